//! What happens in waiting rooms, on Kafka.

use goticket_contracts::queue_events::{ENTRIES_MAX, Moved, QueueEvent, QueueFact};
use goticket_domain::queue::{DrawSeed, EMPTY_LOG, Entry, LogEntry, PlaceId, Score, Segment};

use crate::{ACCOUNT, EPOCH, EVENT, check};

fn segment(first: u64, entries: Vec<Entry>) -> Segment {
    Segment { first, at_ms: 0, hash: [0xab; 32], before: EMPTY_LOG, entries }
}

#[test]
fn a_line_moved() {
    let place = PlaceId([1; 16]);
    let entries = vec![
        Entry::Join(place),
        Entry::Leave(place),
        Entry::Claim { place, until_ms: 0, slot_ms: 0 },
        Entry::Renew { place, slot_ms: 0 },
        Entry::Resume { place, slot_ms: 0 },
        Entry::End { place, until_ms: 0 },
        Entry::Booked { place, booked_ms: 0 },
        Entry::Admit { through: Score::late(3).unwrap(), claim_by_ms: 0 },
        Entry::Defer(place),
        Entry::AdmitDeferred { through: Score::deferred(3).unwrap(), claim_by_ms: 0 },
        Entry::Close,
        Entry::Draw(DrawSeed([2; 32])),
    ];
    let told: Vec<QueueEvent> = QueueEvent::of_segment(EVENT, &segment(7, entries)).collect();
    assert_eq!(told.len(), 1);
    let (place, seed) = ("01".repeat(16), "02".repeat(32));
    let at = "1970-01-01T00:00:00Z";
    let (end, slot) = (format!(r#""place":"{place}","until":"{at}""#), format!(r#""place":"{place}","slot":"{at}""#));
    check(
        &told[0],
        &format!(
            concat!(
                r##"{{"specversion":"1.0","id":"abababab-abab-8bab-abab-abab00000000","source":"/goticket/queue","time":"{at}","##,
                r##""subject":"#1","datacontenttype":"application/json","type":"goticket.QueueMoved","data":{{"position":7,"##,
                r##""entries":[{{"what":"joined","place":"{place}"}},{{"what":"left","place":"{place}"}},"##,
                r##"{{"what":"claimed",{end},"slot":"{at}"}},{{"what":"renewed",{slot}}},{{"what":"resumed",{slot}}},"##,
                r##"{{"what":"ended",{end}}},{{"what":"booked","place":"{place}","booked":"{at}"}},"##,
                r##"{{"what":"admitted","through":4503599627370499,"claim_by":"{at}"}},"##,
                r##"{{"what":"deferred","place":"{place}"}},{{"what":"deferred_admitted","through":2251799813685251,"claim_by":"{at}"}},"##,
                r##"{{"what":"lobby_closed"}},{{"what":"drawn","seed":"{seed}"}}]}}}}"##
            ),
            at = at,
            place = place,
            end = end,
            slot = slot,
            seed = seed
        ),
    );
}

#[test]
fn a_room_was_changed() {
    let entry = LogEntry {
        number: 3,
        at: EPOCH,
        actor: Some(ACCOUNT),
        change: r#"{"state":["open","paused"]}"#.to_owned(),
        reason: "fire alarm".to_owned(),
        hash: "cd".repeat(32),
    };
    check(
        &QueueEvent::of_change(EVENT, &entry),
        &format!(
            concat!(
                r##"{{"specversion":"1.0","id":"cdcdcdcd-cdcd-8dcd-8dcd-cdcd00000000","source":"/goticket/queue","##,
                r##""time":"1970-01-01T00:00:00Z","subject":"#1","datacontenttype":"application/json","##,
                r##""type":"goticket.QueueChanged","data":{{"number":3,"actor":"#4","change":{{"state":["open","paused"]}},"##,
                r##""reason":"fire alarm","hash":"{hash}"}}}}"##
            ),
            hash = "cd".repeat(32)
        ),
    );
}

#[test]
fn what_was_written_together_is_cut_into_pieces_that_are_told_apart() {
    let entries = vec![Entry::Close; 2 * ENTRIES_MAX + 1];
    let told: Vec<QueueEvent> = QueueEvent::of_segment(EVENT, &segment(10, entries)).collect();
    let pieces: Vec<(u64, usize)> = told
        .iter()
        .map(|event| match &event.fact {
            QueueFact::QueueMoved { position, entries } => {
                assert!(entries.iter().all(|entry| *entry == Moved::LobbyClosed));
                (*position, entries.len())
            }
            QueueFact::QueueChanged { .. } => panic!("{event:?}"),
        })
        .collect();
    assert_eq!(pieces, [(10, ENTRIES_MAX), (510, ENTRIES_MAX), (1_010, 1)]);
    let ids: std::collections::BTreeSet<_> = told.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), 3);
    let again: Vec<QueueEvent> = QueueEvent::of_segment(EVENT, &segment(10, vec![Entry::Close; 2 * ENTRIES_MAX + 1])).collect();
    assert_eq!(again, told, "the same when it is published again");
}

//! The operators' log as a hash chain: who changes an entry afterwards, takes one out or moves one is found out, by anyone who has the
//! log and a board.
//!
//! `hash = SHA-256(hash of the entry before ‖ canonical entry)`, where the first entry's predecessor is 32 zero bytes and the
//! canonical entry is the JSON array `[event, number, at, actor, change, reason]`: `at` in Unix microseconds, `actor` null for
//! the schedule, no white space, strings escaped as by RFC 8259 with the shortest escapes.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::LogEntry;
use crate::EventId;

/// Before the first entry.
const GENESIS: [u8; 32] = [0; 32];

/// Where a room's log ends. It stands on the board: a log that is cut off or written again does not end there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ControlLogHead {
    /// Number of the last entry; 0 for none.
    pub number: u64,
    /// Its hash, hexadecimal.
    pub hash: String,
}

impl Default for ControlLogHead {
    /// Of a log without entries.
    fn default() -> Self {
        Self { number: 0, hash: hex::encode(GENESIS) }
    }
}

impl ControlLogHead {
    /// The head after an entry, whatever the entry says that its hash is.
    #[must_use]
    pub fn after(&self, event: EventId, entry: &LogEntry) -> Self {
        let mut before = GENESIS;
        // A hash that is none is that of no entry: what follows from it is no better.
        let _ = hex::decode_to_slice(&self.hash, &mut before);
        let canonical =
            serde_json::json!([event, entry.number, entry.at.as_microsecond(), entry.actor, entry.change, entry.reason]);
        let hash = Sha256::new().chain_update(before).chain_update(canonical.to_string()).finalize();
        Self { number: entry.number, hash: hex::encode(hash) }
    }
}

/// The chain does not hold: the first thing that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenControlLog {
    /// There is none of this number where it belongs.
    #[error("entry {number} is missing")]
    Missing {
        /// Its number.
        number: u64,
    },
    /// It stands where another one belongs: entries were moved, doubled or numbered again.
    #[error("entry {number} stands where entry {expected} belongs")]
    OutOfOrder {
        /// Its number.
        number: u64,
        /// The one that belongs there.
        expected: u64,
    },
    /// This entry, or its hash, is not what was written.
    #[error("entry {number} was changed")]
    Changed {
        /// Its number.
        number: u64,
    },
    /// The chain holds by itself, but it is not the one that was shown: it was written again, at this entry or before it.
    #[error("entry {number} is another one than the board was made with: the log was written again")]
    Rewritten {
        /// The number of the board's head.
        number: u64,
    },
}

/// Checks a whole log, oldest entry first, against a head that was shown. Entries after that head came later, and belong to the chain.
/// Returns where the log ends.
pub fn verify_control_log(
    event: EventId,
    entries: &[LogEntry],
    shown: &ControlLogHead,
) -> Result<ControlLogHead, BrokenControlLog> {
    let mut head = ControlLogHead::default();
    let mut agrees = *shown == head;
    for entry in entries {
        let expected = head.number + 1;
        if entry.number > expected {
            return Err(BrokenControlLog::Missing { number: expected });
        }
        if entry.number < expected {
            return Err(BrokenControlLog::OutOfOrder { number: entry.number, expected });
        }
        head = head.after(event, entry);
        if head.hash != entry.hash {
            return Err(BrokenControlLog::Changed { number: entry.number });
        }
        agrees |= head == *shown;
    }
    if agrees {
        Ok(head)
    } else if shown.number > head.number {
        Err(BrokenControlLog::Missing { number: head.number + 1 })
    } else {
        Err(BrokenControlLog::Rewritten { number: shown.number })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::AccountId;

    const EVENT: EventId = EventId(Uuid::from_u128(7));

    fn log(reasons: &[&str]) -> Vec<LogEntry> {
        let mut head = ControlLogHead::default();
        let entry = |(number, reason): (u64, &&str)| {
            let mut entry = LogEntry {
                number,
                at: Timestamp::from_microsecond(1_700_000_000_000_000 + i64::try_from(number).unwrap()).unwrap(),
                actor: (number % 2 == 0).then_some(AccountId(Uuid::from_u128(9))),
                change: r#"{"rate_per_min":[600,300]}"#.to_owned(),
                reason: (*reason).to_owned(),
                hash: String::new(),
            };
            head = head.after(EVENT, &entry);
            entry.hash.clone_from(&head.hash);
            entry
        };
        (1..).zip(reasons).map(entry).collect()
    }

    fn head(log: &[LogEntry]) -> ControlLogHead {
        log.last().map_or_else(ControlLogHead::default, |last| ControlLogHead { number: last.number, hash: last.hash.clone() })
    }

    #[test]
    fn the_first_thing_that_is_wrong_is_named() {
        use BrokenControlLog::{Changed, Missing, OutOfOrder, Rewritten};
        let written = log(&["“a”", "b\n", "c", "d"]);
        let shown = head(&written);
        let tampered = |tamper: &dyn Fn(&mut Vec<LogEntry>)| {
            let mut log = written.clone();
            tamper(&mut log);
            log
        };
        let rows = [
            ("as it was written", written.clone(), Ok(shown.clone())),
            ("a reason", tampered(&|log| log[2].reason.push('!')), Err(Changed { number: 3 })),
            ("a change", tampered(&|log| log[0].change = "{}".to_owned()), Err(Changed { number: 1 })),
            ("who", tampered(&|log| log[1].actor = None), Err(Changed { number: 2 })),
            ("when", tampered(&|log| log[3].at = Timestamp::UNIX_EPOCH), Err(Changed { number: 4 })),
            ("a hash", tampered(&|log| log[1].hash = log[2].hash.clone()), Err(Changed { number: 2 })),
            ("one is taken out", tampered(&|log| drop(log.remove(1))), Err(Missing { number: 2 })),
            ("the first ones are cut off", tampered(&|log| drop(log.drain(..2))), Err(Missing { number: 1 })),
            ("the last one is cut off", tampered(&|log| drop(log.pop())), Err(Missing { number: 4 })),
            ("everything is", Vec::new(), Err(Missing { number: 1 })),
            ("two change places", tampered(&|log| log.swap(1, 2)), Err(Missing { number: 2 })),
            ("one is doubled", tampered(&|log| log.insert(2, log[1].clone())), Err(OutOfOrder { number: 2, expected: 3 })),
            ("all of it is written again", log(&["“a”", "b\n", "C", "d"]), Err(Rewritten { number: 4 })),
        ];
        for (what, entries, expected) in rows {
            assert_eq!(verify_control_log(EVENT, &entries, &shown), expected, "{what}");
        }
        let other = EventId(Uuid::from_u128(8));
        assert_eq!(verify_control_log(other, &written, &shown), Err(Changed { number: 1 }), "of another event");
    }

    #[test]
    fn a_log_goes_on_after_a_board_was_made() {
        let written = log(&["a", "b", "c"]);
        for shown in 0..=3 {
            assert_eq!(verify_control_log(EVENT, &written, &head(&written[..shown])), Ok(head(&written)), "{shown}");
        }
        let other = log(&["a", "B"]);
        assert_eq!(verify_control_log(EVENT, &written, &head(&other)), Err(BrokenControlLog::Rewritten { number: 2 }));
    }

    /// What any other program must compute.
    #[test]
    fn the_hash_is_over_the_canonical_entry() {
        let entry = LogEntry {
            number: 1,
            at: Timestamp::from_microsecond(1_700_000_000_123_456).unwrap(),
            actor: None,
            change: r#"{"state":["scheduled","lobby"]}"#.to_owned(),
            reason: "schedule".to_owned(),
            hash: String::new(),
        };
        let canonical = concat!(
            r#"["00000000-0000-0000-0000-000000000007",1,1700000000123456,null,"#,
            r#""{\"state\":[\"scheduled\",\"lobby\"]}","schedule"]"#
        );
        let expected = Sha256::new().chain_update([0; 32]).chain_update(canonical).finalize();
        assert_eq!(ControlLogHead::default().after(EVENT, &entry).hash, hex::encode(expected));
    }
}

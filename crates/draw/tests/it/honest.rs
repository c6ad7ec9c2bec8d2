//! Draws with nothing wrong.

use goticket_domain::queue::PlaceId;
use goticket_domain::queue::draw::BeaconChain;
use goticket_domain::queue::draw::LobbyEntry::{self, Join, Leave};
use goticket_domain::queue::draw::{DrawRecord, DrawTerms};
use goticket_draw::{Beacon, BeaconKey, Fan, QUICKNET_CHAIN, Verdict, Wrong, check};
use jiff::SignedDuration;

use crate::operator::{Operator, at_s, board, place, proofs};

/// A record, its list, and what a fan has of it.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) record: DrawRecord,
    pub(crate) leaves: Vec<u8>,
    pub(crate) fan: Fan,
    /// A chain that the checker is told of.
    pub(crate) told: Option<Told>,
}

#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) hash: String,
    pub(crate) key: BeaconKey,
    pub(crate) times: Option<BeaconChain>,
}

impl Case {
    pub(crate) fn check(&self) -> Result<Verdict, Wrong> {
        let known = goticket_draw::Beacons::known();
        let known = match self.told.clone() {
            Some(Told { hash, key, times }) => known.with(hash, Beacon { key, chain: times }),
            None => known,
        };
        check(&self.record, &self.leaves, &known, &self.fan)
    }

    pub(crate) fn terms(&self) -> &DrawTerms {
        &self.record.announced.last().unwrap().terms
    }

    /// The operator closes the lobby of other entries, and draws.
    pub(crate) fn refinish(&mut self, operator: &Operator, entries: &[LobbyEntry]) {
        self.leaves = leaves(entries);
        operator.finish(&mut self.record, entries, at_s(CLOSED_AT_S));
        self.fan.proofs = None;
    }

    /// Without what would show it first.
    pub(crate) fn without(mut self, boards: bool, receipts: bool) -> Self {
        if boards {
            self.fan.boards.clear();
        }
        if receipts {
            self.fan.receipts.clear();
        }
        self
    }
}

pub(crate) fn leaves(entries: &[LobbyEntry]) -> Vec<u8> {
    entries.iter().flat_map(LobbyEntry::leaf).collect()
}

/// The fan's.
pub(crate) const OURS: u8 = 4;
/// A moment after the announced end.
pub(crate) const CLOSED_AT_S: i64 = 7_201;

/// Ten come, two leave, one of them comes back.
pub(crate) fn entries() -> Vec<LobbyEntry> {
    let (join, leave) = (|number| Join(place(number)), |number| Leave(place(number)));
    vec![join(0), join(1), join(2), join(3), join(OURS), join(5), leave(3), join(6), join(7), join(3), leave(7), join(8)]
}

/// Announced for an hour, then put off by another one; closed and drawn. The fan kept a board of each time and the receipt.
pub(crate) fn honest(operator: &Operator) -> Case {
    let entries = entries();
    let announced = vec![operator.announce(at_s(0), at_s(3_600)), operator.announce(at_s(600), at_s(7_200))];
    let mut record = DrawRecord { event: operator.event, announced, closed: None, outcome: None };
    operator.finish(&mut record, &entries, at_s(CLOSED_AT_S));
    let [first, last] = [0, 1].map(|n| record.announced[n].terms.clone());
    let mut after = board(record.closed.clone().unwrap(), &last);
    after.seed = record.outcome.as_ref().map(|outcome| outcome.seed);
    let boards = vec![
        board(operator.head(&entries[..3], &first, at_s(500), false), &first),
        board(operator.head(&entries[..8], &last, at_s(5_000), false), &last),
        after,
    ];
    let place: PlaceId = place(OURS);
    let receipts = vec![operator.receipt(4, place, at_s(700), &last)];
    let proofs = Some(proofs(&record, &entries, place));
    let told =
        operator.chain.clone().map(|chain| Told { hash: chain.chain.clone(), key: operator.beacon.key(), times: Some(chain) });
    Case { record, leaves: leaves(&entries), fan: Fan { place: Some(place), rank: None, receipts, boards, proofs }, told }
}

/// A named case with nothing wrong, and what is weak about it.
pub(crate) type Row = (&'static str, &'static [&'static str], fn() -> Case);

/// All that are honest.
pub(crate) const ROWS: &[Row] = &[
    ("honest", &[], || honest(&Operator::new(1))),
    ("without a beacon", &["steerable"], || honest(&Operator { chain: None, ..Operator::new(1) })),
    ("nothing kept", &["unwitnessed", "closing_unwitnessed"], || {
        let case = honest(&Operator::new(1)).without(true, true);
        Case { fan: Fan { proofs: None, place: None, ..case.fan }, ..case }
    }),
    ("a receipt kept, no board of the closed lobby", &["closing_unwitnessed"], || {
        let mut case = honest(&Operator::new(1));
        case.fan.boards.pop();
        case
    }),
    ("announced, with a lobby that is open", &[], || {
        let mut case = honest(&Operator::new(1));
        (case.record.closed, case.record.outcome, case.fan.proofs, case.leaves) = (None, None, None, Vec::new());
        case.fan.boards.pop();
        case
    }),
    ("closed, waiting for its round", &[], || {
        let mut case = honest(&Operator::new(1));
        case.record.outcome = None;
        case.fan.boards[2].seed = None;
        case.fan.proofs.as_mut().unwrap().rank = None;
        case
    }),
    ("closed, and the chain is not known here", &["chain_unknown"], || {
        let mut case = honest(&Operator::new(1));
        (case.record.outcome, case.told) = (None, None);
        case.fan.boards[2].seed = None;
        case
    }),
    ("a chain whose times are not known here", &["round_times_unknown"], || {
        let mut case = honest(&Operator::new(1));
        case.told.as_mut().unwrap().times = None;
        case
    }),
    ("a place that was given back", &["leave_unsigned"], || {
        let mut case = honest(&Operator::new(1));
        let (entries, place) = (entries(), place(7));
        case.fan.proofs = Some(proofs(&case.record, &entries, place));
        case.fan.place = Some(place);
        case
    }),
    ("a place that came back", &[], || {
        let mut case = honest(&Operator::new(1));
        (case.fan.proofs, case.fan.place) = (None, Some(place(3)));
        case
    }),
    ("a place that was never in the lobby, with a receipt of the line", &[], || {
        let operator = Operator::new(1);
        let mut case = honest(&operator);
        (case.fan.proofs, case.fan.place) = (None, Some(place(99)));
        let receipt = operator.receipt(13, place(99), at_s(CLOSED_AT_S), case.terms());
        case.fan.receipts = vec![receipt];
        case
    }),
    ("an empty lobby", &[], || {
        let operator = Operator::new(1);
        let mut case = honest(&operator).without(true, true);
        case.refinish(&operator, &[]);
        let (terms, closed) = (case.terms().clone(), case.record.closed.clone().unwrap());
        case.fan.boards = vec![board(closed, &terms), goticket_domain::queue::BoardDraw { terms, lobby: None, seed: None }];
        case
    }),
    ("a lobby of one", &[], || {
        let operator = Operator::new(1);
        let mut case = honest(&operator).without(true, false);
        let (one, terms) = (place(OURS), case.terms().clone());
        case.refinish(&operator, &[Join(one), Join(one)]);
        case.fan.receipts = vec![operator.receipt(1, one, at_s(700), &terms)];
        case.fan.boards = vec![board(case.record.closed.clone().unwrap(), &terms)];
        case
    }),
    ("quicknet, announced", &["unwitnessed"], || {
        let operator = Operator { chain: Some(goticket_draw::quicknet()), ..Operator::new(1) };
        assert_eq!(operator.chain.as_ref().unwrap().chain, QUICKNET_CHAIN);
        let mut case = honest(&operator).without(true, true);
        (case.record.closed, case.record.outcome, case.fan.proofs, case.leaves) = (None, None, None, Vec::new());
        case.told = None;
        case
    }),
    ("times with fractions of a second", &[], || {
        let operator = Operator::new(1);
        let mut case = honest(&operator).without(true, true);
        let at_ns = |seconds, ns| at_s(seconds) + SignedDuration::from_nanos(ns);
        let announced = [(0, 1), (600, 120_000_000), (660, 123_456_789)];
        let announced = announced.map(|(at, ns)| operator.announce(at_ns(at, ns), at_ns(7_200, 900_000_000 - ns)));
        (case.record.announced, case.fan.proofs) = (announced.into(), None);
        operator.finish(&mut case.record, &entries(), at_ns(7_200, 800_100_000));
        let terms = case.terms().clone();
        let open = operator.head(&entries()[..8], &terms, at_ns(5_000, 10_000_000), false);
        case.fan.boards = vec![board(open, &terms), board(case.record.closed.clone().unwrap(), &terms)];
        case.fan.receipts = vec![operator.receipt(4, place(OURS), at_ns(700, 999_999_999), &terms)];
        case
    }),
    ("put off, and back again", &[], || {
        let operator = Operator::new(1);
        let mut case = honest(&operator);
        // The same terms as at first.
        case.record.announced.push(operator.announce(at_s(1_200), at_s(3_600)));
        operator.finish(&mut case.record, &entries(), at_s(3_601));
        let first = case.terms().clone();
        assert_eq!(case.record.announced[0].terms, first);
        case.fan.boards[1] = board(operator.head(&entries()[..8], &first, at_s(1_300), false), &first);
        case.fan.boards[2] = board(case.record.closed.clone().unwrap(), &first);
        case.fan.proofs = None;
        case
    }),
    ("a ticket with the drawn rank", &[], || {
        let mut case = honest(&Operator::new(1));
        case.fan.rank = case.fan.proofs.as_ref().unwrap().rank.as_ref().map(|rank| rank.index);
        case
    }),
    ("clocks that are a little apart", &[], || {
        let operator = Operator::new(1);
        let mut case = honest(&operator);
        let (first, last) = (case.record.announced[0].terms.clone(), case.terms().clone());
        let stale = operator.head(&entries()[..3], &first, at_s(602), false);
        let early = operator.head(&entries()[..3], &last, at_s(598), false);
        case.fan.boards.extend([board(stale, &first), board(early, &last)]);
        case.fan.receipts.push(operator.receipt(5, place(5), at_s(598), &last));
        // Of a replica that had not heard of the new terms, and one from the moment of the closing.
        case.fan.receipts.push(operator.receipt(5, place(5), at_s(640), &first));
        case.fan.receipts.push(operator.receipt(13, place(9), at_s(7_198), &last));
        case
    }),
];

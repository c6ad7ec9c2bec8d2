//! The line that follows from a room's log. Redis holds the same, built by `apply.lua`; a test holds the two to each other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{DrawSeed, Entry, PlaceId, PlaceKind, Score, Segment, Session, order};

/// How far the lobby has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Phase {
    /// Who joins takes part in the draw.
    #[default]
    Lobby,
    /// The lobby is closed, its order not drawn yet.
    Closed,
    /// Everyone has a score.
    Drawn,
}

/// Where a place stands in its line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// In the lobby.
    Lobby {
        /// The entry by which it was taken.
        position: u64,
    },
    /// In line.
    Waiting(Score),
    /// Its turn passed, and comes once more.
    Deferred(Score),
    /// Its turn has come; to be claimed by then (Unix ms).
    Admitted {
        /// Its score in line.
        score: Score,
        /// The end of the claim window.
        claim_by_ms: i64,
    },
    /// Inside, or to come back there: the session lasts, its slot may be over.
    Inside {
        /// Its score in line.
        score: Score,
        /// How long.
        session: Session,
    },
}

impl Standing {
    /// Until when it takes a slot, Unix ms; none where it takes none.
    pub fn slot_ms(&self) -> Option<i64> {
        match self {
            Self::Lobby { .. } | Self::Waiting(_) | Self::Deferred(_) => None,
            Self::Admitted { claim_by_ms, .. } => Some(*claim_by_ms),
            Self::Inside { session, .. } => Some(session.slot_ms),
        }
    }
}

/// A whole line. About 190 bytes per place.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Line {
    phase: Phase,
    standing: HashMap<PlaceId, Standing>,
    waiting: BTreeSet<(Score, PlaceId)>,
    /// Who takes part in the draw, until it is made: also who has left since.
    closed: Vec<PlaceId>,
    /// Slots of sessions that are not renewed, until then (Unix ms).
    ending: HashMap<PlaceId, i64>,
    frontier: Option<Score>,
    admitted: u64,
    /// Up to which score all claim windows are over by then (Unix ms).
    passed: BTreeMap<i64, Score>,
    deferred: Deferred,
}

/// The line of those whose turn comes once more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Deferred {
    waiting: BTreeSet<(Score, PlaceId)>,
    /// Everyone who was ever deferred: a sale has one for each.
    ever: HashSet<PlaceId>,
    frontier: Option<Score>,
    passed: BTreeMap<i64, Score>,
}

impl Line {
    /// Takes over what a segment says. Segments come in order, from the first.
    ///
    /// # Panics
    /// When a room has had 2^52 entries, which none reaches.
    pub fn apply(&mut self, segment: &Segment) {
        for (position, entry) in (segment.first..).zip(&segment.entries) {
            match *entry {
                Entry::Join(place) => self.join(place, position, segment.at_ms),
                Entry::Leave(place) => self.leave(place, segment.at_ms),
                Entry::Claim { place, until_ms, slot_ms } => self.claim(place, until_ms, slot_ms, segment.at_ms),
                Entry::Renew { place, slot_ms } => self.renew(place, slot_ms, segment.at_ms, Session::has_slot),
                Entry::Resume { place, slot_ms } => self.renew(place, slot_ms, segment.at_ms, |_, _| true),
                Entry::End { place, until_ms } => self.end(place, until_ms, segment.at_ms),
                Entry::Booked { place, booked_ms } => self.booked(place, booked_ms, segment.at_ms),
                Entry::Admit { through, claim_by_ms } => self.admit(through, claim_by_ms, segment.at_ms),
                Entry::Defer(place) => self.defer(place, position, segment.at_ms),
                Entry::AdmitDeferred { through, claim_by_ms } => self.admit_deferred(through, claim_by_ms, segment.at_ms),
                Entry::Close => self.close(),
                Entry::Draw(seed) => self.draw(&seed),
            }
        }
    }

    fn join(&mut self, place: PlaceId, position: u64, at_ms: i64) {
        if self.standing(place, at_ms).is_some() {
            return;
        }
        let standing = match self.phase {
            Phase::Lobby => Standing::Lobby { position },
            #[expect(clippy::expect_used, reason = "positions count what a database can hold")]
            Phase::Closed | Phase::Drawn => Standing::Waiting(Score::late(position).expect("fewer than 2^52 entries")),
        };
        self.put(place, standing);
    }

    fn leave(&mut self, place: PlaceId, at_ms: i64) {
        let Some(standing) = self.standing(place, at_ms) else { return };
        self.standing.remove(&place);
        match standing {
            Standing::Waiting(score) => self.waiting.remove(&(score, place)),
            Standing::Deferred(score) => self.deferred.waiting.remove(&(score, place)),
            Standing::Lobby { .. } | Standing::Admitted { .. } | Standing::Inside { .. } => false,
        };
    }

    fn defer(&mut self, place: PlaceId, position: u64, at_ms: i64) {
        let missed = match self.standing.get(&place) {
            Some(Standing::Admitted { claim_by_ms, .. }) => *claim_by_ms <= at_ms,
            Some(Standing::Inside { session, .. }) => session.until_ms > at_ms && !session.has_slot(at_ms),
            _ => false,
        };
        if missed && let (Some(score), true) = (Score::deferred(position), self.deferred.ever.insert(place)) {
            self.put(place, Standing::Deferred(score));
        }
    }

    fn claim(&mut self, place: PlaceId, until_ms: i64, slot_ms: i64, at_ms: i64) {
        if let Some(Standing::Admitted { score, .. }) = self.standing(place, at_ms) {
            let session = Session { since_ms: at_ms, until_ms, slot_ms: slot_ms.min(until_ms) };
            self.put(place, Standing::Inside { score, session });
        }
    }

    fn renew(&mut self, place: PlaceId, slot_ms: i64, at_ms: i64, may: fn(Session, i64) -> bool) {
        if let Some(Standing::Inside { score, session }) = self.standing(place, at_ms)
            && may(session, at_ms)
        {
            let slot_ms = session.slot_ms.max(slot_ms.min(session.until_ms));
            self.put(place, Standing::Inside { score, session: Session { slot_ms, ..session } });
        }
    }

    fn end(&mut self, place: PlaceId, until_ms: i64, at_ms: i64) {
        if let Some(Standing::Inside { session, .. }) = self.standing(place, at_ms) {
            self.standing.remove(&place);
            let slot_ms = self.ending.entry(place).or_default();
            *slot_ms = (*slot_ms).max(until_ms.min(session.slot_ms));
        }
    }

    fn booked(&mut self, place: PlaceId, booked_ms: i64, at_ms: i64) {
        if let Some(Standing::Inside { session, .. }) = self.standing(place, at_ms)
            && session.since_ms <= booked_ms
        {
            self.end(place, session.until_ms, at_ms);
        }
    }

    fn admit(&mut self, through: Score, claim_by_ms: i64, at_ms: i64) {
        while let Some(&(score, place)) = self.waiting.first().filter(|(score, _)| *score <= through) {
            self.waiting.pop_first();
            self.standing.insert(place, Standing::Admitted { score, claim_by_ms });
            self.admitted += 1;
        }
        self.frontier = self.frontier.max(Some(through));
        end_turns(&mut self.passed, through, claim_by_ms, at_ms);
    }

    fn admit_deferred(&mut self, through: Score, claim_by_ms: i64, at_ms: i64) {
        while let Some(&(score, place)) = self.deferred.waiting.first().filter(|(score, _)| *score <= through) {
            self.deferred.waiting.pop_first();
            self.standing.insert(place, Standing::Admitted { score, claim_by_ms });
            self.admitted += 1;
        }
        self.deferred.frontier = self.deferred.frontier.max(Some(through));
        end_turns(&mut self.deferred.passed, through, claim_by_ms, at_ms);
    }

    fn close(&mut self) {
        if self.phase == Phase::Lobby {
            self.phase = Phase::Closed;
            self.closed = self.standing.keys().copied().collect();
            self.closed.sort_unstable();
        }
    }

    fn draw(&mut self, seed: &DrawSeed) {
        if self.phase != Phase::Closed {
            return;
        }
        self.phase = Phase::Drawn;
        for (rank, place) in (0..).zip(order(seed, std::mem::take(&mut self.closed))) {
            // Who left keeps their rank: no one moves up by it.
            if let (Some(Standing::Lobby { .. }), Some(score)) = (self.standing.get(&place), Score::drawn(rank)) {
                self.put(place, Standing::Waiting(score));
            }
        }
    }

    fn put(&mut self, place: PlaceId, standing: Standing) {
        match standing {
            Standing::Waiting(score) => self.waiting.insert((score, place)),
            Standing::Deferred(score) => self.deferred.waiting.insert((score, place)),
            Standing::Lobby { .. } | Standing::Admitted { .. } | Standing::Inside { .. } => false,
        };
        self.standing.insert(place, standing);
    }

    /// Where a place stands at this time; none where it never joined, left, let its turn pass or is through.
    pub fn standing(&self, place: PlaceId, at_ms: i64) -> Option<Standing> {
        self.standing.get(&place).copied().filter(|standing| match standing {
            Standing::Lobby { .. } | Standing::Waiting(_) | Standing::Deferred(_) => true,
            Standing::Admitted { claim_by_ms: till, .. } => *till > at_ms,
            Standing::Inside { session, .. } => session.until_ms > at_ms,
        })
    }

    /// Everyone, those whose time is over included, in no order.
    pub fn places(&self) -> impl Iterator<Item = (PlaceId, Standing)> {
        self.standing.iter().map(|(place, standing)| (*place, *standing))
    }

    /// Slots of sessions that are not renewed any more: whose, and until when (Unix ms); those that are free by now included.
    pub fn ending(&self) -> impl Iterator<Item = (PlaceId, i64)> {
        self.ending.iter().map(|(place, until_ms)| (*place, *until_ms))
    }

    /// Until when a place takes the slot of a session that is not renewed any more (Unix ms), also where that is over.
    pub fn ending_of(&self, place: PlaceId) -> Option<i64> {
        self.ending.get(&place).copied()
    }

    /// Whose turn comes with one of everyone up to this score: of the line's, or of the deferred places'.
    pub fn before(&self, through: Score) -> impl Iterator<Item = PlaceId> {
        let line = match through.kind() {
            PlaceKind::Deferred { .. } => &self.deferred.waiting,
            _ => &self.waiting,
        };
        line.iter().take_while(move |(score, _)| *score <= through).map(|(_, place)| *place)
    }

    /// Who could buy at this time, or may come inside by a claim. O(n).
    pub fn inside(&self, at_ms: i64) -> u64 {
        let here = self.standing.values().filter(|standing| standing.slot_ms().is_some_and(|slot_ms| slot_ms > at_ms));
        let ending = self.ending.values().filter(|until_ms| **until_ms > at_ms);
        (here.count() + ending.count()) as u64
    }

    /// Who takes part in the draw of a closed lobby, sorted; no one before and after.
    pub fn to_be_drawn(&self) -> &[PlaceId] {
        &self.closed
    }

    /// How far the lobby has come.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The highest score whose turn has come.
    pub fn frontier(&self) -> Option<Score> {
        self.frontier
    }

    /// The score up to which every turn is over at this time: claimed, or too late for it.
    pub fn passed(&self, at_ms: i64) -> Option<Score> {
        self.passed.range(..=at_ms).next_back().map(|(_, score)| *score)
    }

    /// The times at which turns are over, and up to which score they are then; those that matter after the last admission.
    pub fn turns(&self) -> impl Iterator<Item = (i64, Score)> {
        self.passed.iter().map(|(over_ms, score)| (*over_ms, *score))
    }

    /// Everyone who was ever deferred, in no order.
    pub fn ever_deferred(&self) -> impl Iterator<Item = PlaceId> {
        self.deferred.ever.iter().copied()
    }

    /// The highest score of a deferred place whose second turn has come.
    pub fn deferred_frontier(&self) -> Option<Score> {
        self.deferred.frontier
    }

    /// The score up to which the second turn of every deferred place is over at this time.
    pub fn deferred_passed(&self, at_ms: i64) -> Option<Score> {
        self.deferred.passed.range(..=at_ms).next_back().map(|(_, score)| *score)
    }

    /// The same as [`Self::turns`], of deferred places.
    pub fn deferred_turns(&self) -> impl Iterator<Item = (i64, Score)> {
        self.deferred.passed.iter().map(|(over_ms, score)| (*over_ms, *score))
    }

    /// How many turns have come so far.
    pub fn admitted(&self) -> u64 {
        self.admitted
    }
}

/// The turns up to this score are over by then. What is over already is kept once.
fn end_turns(passed: &mut BTreeMap<i64, Score>, through: Score, claim_by_ms: i64, at_ms: i64) {
    let last = passed.last_key_value().map(|(over_ms, score)| (*over_ms, *score));
    if last.is_none_or(|(_, score)| score < through) {
        // Who stands before has a window that may end later: an operator can have made it shorter.
        passed.insert(last.map_or(claim_by_ms, |(over_ms, _)| claim_by_ms.max(over_ms)), through);
    }
    if let Some((&over_ms, _)) = passed.range(..=at_ms).next_back() {
        *passed = passed.split_off(&over_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::EMPTY_LOG;

    const AT: i64 = 1_000;

    fn place(n: u8) -> PlaceId {
        PlaceId([n; 16])
    }

    fn late(position: u64) -> Score {
        Score::late(position).unwrap()
    }

    fn line(segments: &[(i64, &[Entry])]) -> Line {
        let mut line = Line::default();
        let mut first = 0;
        for (at_ms, entries) in segments {
            let segment = Segment { first, at_ms: *at_ms, hash: EMPTY_LOG, before: EMPTY_LOG, entries: entries.to_vec() };
            first = segment.end();
            line.apply(&segment);
        }
        line
    }

    #[test]
    fn the_lobby_is_drawn_and_who_joins_later_stands_behind_it_in_the_order_of_the_log() {
        use Entry::{Close, Draw, Join, Leave};
        let seed = DrawSeed([3; 32]);
        let order = order(&seed, [place(1), place(2)]);
        let drawn = |n| Score::drawn(u64::from(order[0] != place(n))).map(Standing::Waiting);
        let entries = [Join(place(1)), Join(place(2)), Join(place(1)), Close, Join(place(3)), Join(place(2)), Leave(place(4))];
        let closed = line(&[(AT, &entries)]);
        assert_eq!(closed.standing(place(1), AT), Some(Standing::Lobby { position: 0 }));
        assert_eq!(closed.standing(place(3), AT), Some(Standing::Waiting(late(4))));
        assert_eq!(closed.to_be_drawn(), [place(1), place(2)]);
        let after = line(&[(AT, &entries), (AT, &[Leave(place(1)), Draw(seed), Join(place(1)), Draw(DrawSeed([4; 32]))])]);
        assert_eq!(after.standing(place(2), AT), drawn(2));
        assert_eq!(after.standing(place(1), AT), Some(Standing::Waiting(late(9))), "left while it was drawn: at the end");
        assert_eq!(after.phase(), Phase::Drawn);
    }

    #[test]
    fn turns_come_by_score_and_end_with_their_time() {
        use Entry::{Admit, Claim, Close, Draw, End, Join, Leave};
        let begun = [Close, Draw(DrawSeed([0; 32])), Join(place(1)), Join(place(2)), Join(place(3)), Leave(place(2))];
        let admit = Admit { through: late(3), claim_by_ms: 2_000 };
        let claim = |n, until_ms| Claim { place: place(n), until_ms, slot_ms: 3_000 };
        let inside = |since_ms, until_ms| {
            Some(Standing::Inside { score: late(2), session: Session { since_ms, until_ms, slot_ms: 3_000 } })
        };
        let one = late(2);
        let end = |until_ms| End { place: place(1), until_ms };
        type Case<'a> = (&'a str, i64, &'a [Entry], u8, i64, Option<Standing>);
        let cases: [Case<'_>; 10] = [
            ("who stands behind waits", AT, &[], 3, AT, Some(Standing::Waiting(late(4)))),
            ("who left is not admitted", AT, &[], 2, AT, None),
            ("a turn", AT, &[], 1, 1_999, Some(Standing::Admitted { score: one, claim_by_ms: 2_000 })),
            ("that passes", AT, &[], 1, 2_000, None),
            ("is claimed in time", 1_999, &[claim(1, 5_000)], 1, 4_999, inside(1_999, 5_000)),
            ("or not", 2_000, &[claim(1, 5_000)], 1, 2_000, None),
            ("once", AT, &[claim(1, 5_000), claim(1, 9_000)], 1, 5_000, None),
            ("ended", AT, &[claim(1, 5_000), end(3_000)], 1, AT, None),
            (
                "which only ends what is there",
                AT,
                &[end(3_000)],
                1,
                1_999,
                Some(Standing::Admitted { score: one, claim_by_ms: 2_000 }),
            ),
            ("and begins again at the end", 2_000, &[Join(place(1))], 1, AT, Some(Standing::Waiting(late(7)))),
        ];
        for (what, at_ms, entries, n, asked_ms, expected) in cases {
            let line = line(&[(AT, &begun), (AT, &[admit]), (at_ms, entries)]);
            assert_eq!(line.standing(place(n), asked_ms), expected, "{what}");
            assert_eq!((line.admitted(), line.frontier()), (1, Some(late(3))), "{what}");
        }
    }

    #[test]
    fn a_slot_is_free_when_nothing_given_out_for_it_buys_any_more() {
        use Entry::{Admit, Claim, Close, Draw, End, Join, Renew, Resume};
        let admit = Admit { through: late(9), claim_by_ms: 2_000 };
        let enter = |until_ms, slot_ms| [admit, Claim { place: place(1), until_ms, slot_ms }];
        let begun = [vec![Close, Draw(DrawSeed([0; 32])), Join(place(1))], enter(5_000, 3_000).to_vec()].concat();
        let end = |until_ms| End { place: place(1), until_ms };
        let (renew, resume) = (|slot_ms| Renew { place: place(1), slot_ms }, |slot_ms| Resume { place: place(1), slot_ms });
        let again = [vec![end(5_000), Join(place(1))], enter(5_000, 2_500).to_vec(), vec![end(5_000)]].concat();
        // (what, when, what happened, until when the slot is taken)
        let cases: [(&str, i64, &[Entry], i64); 11] = [
            ("as long as the first token buys", AT, &[], 3_000),
            ("or the last one", AT, &[renew(4_000)], 4_000),
            ("not longer than the session", AT, &[renew(9_000)], 5_000),
            ("a renewal makes it no shorter", AT, &[renew(4_000), renew(3_500)], 4_000),
            ("a moment before it is over", 2_999, &[renew(4_000)], 4_000),
            ("and not after", 3_000, &[renew(4_000)], 3_000),
            ("but it is taken again where there was room", 3_000, &[resume(4_000), renew(4_500)], 4_500),
            ("not after the session", 5_000, &[resume(9_000)], 3_000),
            ("who leaves keeps it no longer", AT, &[end(5_000), renew(4_000), resume(4_000), end(9_000)], 3_000),
            ("an end says how long at most", AT, &[end(2_500)], 2_500),
            ("one account, two sessions: the longer one's", AT, &again, 3_000),
        ];
        for (what, at_ms, entries, until_ms) in cases {
            let line = line(&[(AT, &begun), (at_ms, entries)]);
            assert_eq!((line.inside(until_ms - 1), line.inside(until_ms)), (1, 0), "{what}");
        }
    }

    #[test]
    fn a_session_ends_with_the_booking_that_was_made_in_it() {
        use Entry::{Admit, Booked, Claim, Close, Draw, Join, Renew, Resume};
        let enter = |until_ms| {
            [
                Join(place(1)),
                Admit { through: late(99), claim_by_ms: until_ms },
                Claim { place: place(1), until_ms, slot_ms: until_ms - 1_000 },
            ]
        };
        let begun = [vec![Close, Draw(DrawSeed([0; 32]))], enter(5_000).to_vec()].concat();
        let booked = |booked_ms| Booked { place: place(1), booked_ms };
        let renewed = [booked(AT), Renew { place: place(1), slot_ms: 4_500 }, Resume { place: place(1), slot_ms: 4_500 }];
        // (what, when, what happened, whether they stand inside after it, until when the slot is taken)
        let cases: [(&str, i64, &[Entry], bool, i64); 6] = [
            ("in it", AT, &[booked(AT)], false, 4_000),
            ("long before this was heard of", 3_999, &[booked(AT)], false, 4_000),
            ("after its slot was over", 4_000, &[booked(AT)], false, 4_000),
            ("before it: of a session of before", AT, &[booked(AT - 1)], true, 4_000),
            ("heard of twice", AT, &[booked(AT), booked(AT)], false, 4_000),
            ("nothing is renewed after it", AT, &renewed, false, 4_000),
        ];
        for (what, at_ms, entries, stands, until_ms) in cases {
            let line = line(&[(AT, &begun), (at_ms, entries)]);
            assert_eq!(line.standing(place(1), at_ms).is_some(), stands, "{what}");
            assert_eq!((line.inside(until_ms - 1), line.inside(until_ms)), (1, 0), "{what}");
        }
        let again = line(&[(AT, &begun), (2_000, &[booked(AT)]), (2_000, &enter(9_000)), (3_000, &[booked(AT)])]);
        assert!(again.standing(place(1), 3_000).is_some(), "what is heard of again does not end a later session");
    }

    #[test]
    fn a_session_goes_on_without_its_slot_and_ends_once() {
        use Entry::{Admit, Claim, Close, Draw, Join};
        let enter = [
            Close,
            Draw(DrawSeed([0; 32])),
            Join(place(1)),
            Admit { through: late(9), claim_by_ms: 2_000 },
            Claim { place: place(1), until_ms: 5_000, slot_ms: 9_000 },
        ];
        let line = line(&[(AT, &enter)]);
        let session = Session { since_ms: AT, until_ms: 5_000, slot_ms: 5_000 };
        assert_eq!(line.standing(place(1), 4_999), Some(Standing::Inside { score: late(2), session }));
        assert_eq!(line.standing(place(1), 5_000), None);
    }

    #[test]
    fn who_let_their_turn_pass_has_one_more_and_no_third() {
        use Entry::{Admit, AdmitDeferred, Claim, Close, Defer, Draw, Join, Leave};
        let one = || place(1);
        let begun = [Close, Draw(DrawSeed([0; 32])), Join(one()), Join(place(2)), Admit { through: late(2), claim_by_ms: 2_000 }];
        let deferred = |n| Score::deferred(n).unwrap();
        let again = |n, claim_by_ms| AdmitDeferred { through: deferred(n), claim_by_ms };
        let waits = |n| Some(Standing::Deferred(deferred(n)));
        let turn = |n, claim_by_ms| Some(Standing::Admitted { score: deferred(n), claim_by_ms });
        let claim = Claim { place: one(), until_ms: 9_000, slot_ms: 4_000 };
        type Case<'a> = (&'a str, &'a [(i64, &'a [Entry])], i64, Option<Standing>);
        let cases: [Case<'_>; 11] = [
            ("back in time", &[(1_999, &[Defer(one())])], 1_999, Some(Standing::Admitted { score: late(2), claim_by_ms: 2_000 })),
            ("too late", &[(2_000, &[Defer(one())])], 2_000, waits(5)),
            ("whose turn did not pass", &[(2_000, &[Leave(one()), Defer(place(3))])], 2_000, None),
            (
                "gives up, and begins at the end",
                &[(2_000, &[Defer(one()), Leave(one()), Join(one())])],
                2_000,
                Some(Standing::Waiting(late(7))),
            ),
            ("their second turn", &[(2_000, &[Defer(one()), again(5, 3_000)])], 2_000, turn(5, 3_000)),
            ("not yet", &[(2_000, &[Defer(one()), again(4, 3_000)])], 2_000, waits(5)),
            (
                "passes, and there is no third",
                &[(2_000, &[Defer(one()), again(5, 3_000)]), (3_000, &[Defer(one())])],
                3_000,
                None,
            ),
            (
                "nor after they left and came back",
                &[
                    (2_000, &[Defer(one()), Leave(one()), Join(one()), Admit { through: late(7), claim_by_ms: 3_000 }]),
                    (3_000, &[Defer(one())]),
                ],
                3_000,
                None,
            ),
            ("inside, with a slot", &[(AT, &[claim]), (3_999, &[Defer(one())])], 9_000, None),
            ("inside, without one", &[(AT, &[claim]), (4_000, &[Defer(one())])], 9_000, waits(6)),
            ("whose session is over", &[(AT, &[claim]), (9_000, &[Defer(one())])], 9_000, None),
        ];
        for (what, entries, asked_ms, expected) in cases {
            let line = line(&[&[(AT, &begun[..])][..], entries].concat());
            assert_eq!(line.standing(one(), asked_ms), expected, "{what}");
            if line.frontier() == Some(late(2)) {
                let waits = Some(Standing::Waiting(late(3)));
                assert_eq!(line.standing(place(2), asked_ms), waits, "{what}: who waits stands where they stood");
            }
        }
        let line = line(&[(AT, &begun), (2_000, &[Defer(one()), again(5, 3_000)])]);
        assert_eq!((line.deferred_frontier(), line.frontier(), line.admitted()), (Some(deferred(5)), Some(late(2)), 2));
        assert_eq!([2_999, 3_000].map(|at_ms| line.deferred_passed(at_ms)), [None, Some(deferred(5))]);
    }

    #[test]
    fn turns_are_over_in_the_order_of_the_line() {
        use Entry::{Admit, Close, Draw, Join};
        let begun = [Close, Draw(DrawSeed([0; 32])), Join(place(1)), Join(place(2)), Join(place(3))];
        let admit = |n, claim_by_ms| Admit { through: late(n), claim_by_ms };
        // The window was made shorter, and longer again.
        let line = line(&[(AT, &begun), (AT, &[admit(2, 5_000)]), (AT, &[admit(3, 3_000)]), (AT, &[admit(4, 9_000)])]);
        let passed = [4_999, 5_000, 8_999, 9_000].map(|at_ms| line.passed(at_ms));
        assert_eq!(passed, [None, Some(late(3)), Some(late(3)), Some(late(4))]);
    }
}

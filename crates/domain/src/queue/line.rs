//! The line that follows from a room's log. Redis holds the same, built by `apply.lua`; a test holds the two to each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{DrawSeed, Entry, PlaceId, Score, Segment, order};

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
    /// Its turn has come; to be claimed by then (Unix ms).
    Admitted {
        /// Its score in line.
        score: Score,
        /// The end of the claim window.
        claim_by_ms: i64,
    },
    /// Inside until then (Unix ms).
    Inside {
        /// Its score in line.
        score: Score,
        /// The end of the session.
        until_ms: i64,
    },
}

/// A whole line. About 170 bytes per place.
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
                Entry::Leave(place) => self.leave(place),
                Entry::Claim { place, until_ms } => self.claim(place, until_ms, segment.at_ms),
                Entry::End { place, until_ms } => self.end(place, until_ms, segment.at_ms),
                Entry::Admit { through, claim_by_ms } => self.admit(through, claim_by_ms, segment.at_ms),
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

    fn leave(&mut self, place: PlaceId) {
        if let Some(Standing::Waiting(score)) = self.standing.remove(&place) {
            self.waiting.remove(&(score, place));
        }
    }

    fn claim(&mut self, place: PlaceId, until_ms: i64, at_ms: i64) {
        if let Some(Standing::Admitted { score, .. }) = self.standing(place, at_ms) {
            self.put(place, Standing::Inside { score, until_ms });
        }
    }

    fn end(&mut self, place: PlaceId, until_ms: i64, at_ms: i64) {
        if let Some(Standing::Inside { until_ms: session_ms, .. }) = self.standing(place, at_ms) {
            self.standing.remove(&place);
            let slot_ms = self.ending.entry(place).or_default();
            *slot_ms = (*slot_ms).max(until_ms.min(session_ms));
        }
    }

    fn admit(&mut self, through: Score, claim_by_ms: i64, at_ms: i64) {
        while let Some(&(score, place)) = self.waiting.first().filter(|(score, _)| *score <= through) {
            self.waiting.pop_first();
            self.standing.insert(place, Standing::Admitted { score, claim_by_ms });
            self.admitted += 1;
        }
        self.frontier = self.frontier.max(Some(through));
        let last = self.passed.last_key_value().map(|(over_ms, score)| (*over_ms, *score));
        if last.is_none_or(|(_, score)| score < through) {
            // Who stands before has a window that may end later: an operator can have made it shorter.
            self.passed.insert(last.map_or(claim_by_ms, |(over_ms, _)| claim_by_ms.max(over_ms)), through);
        }
        if let Some((&over_ms, _)) = self.passed.range(..=at_ms).next_back() {
            self.passed = self.passed.split_off(&over_ms);
        }
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
        if let Standing::Waiting(score) = standing {
            self.waiting.insert((score, place));
        }
        self.standing.insert(place, standing);
    }

    /// Where a place stands at this time; none where it never joined, left, let its turn pass or is through.
    pub fn standing(&self, place: PlaceId, at_ms: i64) -> Option<Standing> {
        self.standing.get(&place).copied().filter(|standing| match standing {
            Standing::Lobby { .. } | Standing::Waiting(_) => true,
            Standing::Admitted { claim_by_ms: till, .. } | Standing::Inside { until_ms: till, .. } => *till > at_ms,
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

    /// Who could buy at this time, or may come inside by a claim. O(n).
    pub fn inside(&self, at_ms: i64) -> u64 {
        let here = self.standing.values().filter(|standing| match standing {
            Standing::Lobby { .. } | Standing::Waiting(_) => false,
            Standing::Admitted { claim_by_ms: till, .. } | Standing::Inside { until_ms: till, .. } => *till > at_ms,
        });
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

    /// How many turns have come so far.
    pub fn admitted(&self) -> u64 {
        self.admitted
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
        let claim = |n, until_ms| Claim { place: place(n), until_ms };
        let one = late(2);
        let end = |until_ms| End { place: place(1), until_ms };
        type Case<'a> = (&'a str, i64, &'a [Entry], u8, i64, Option<Standing>);
        let cases: [Case<'_>; 10] = [
            ("who stands behind waits", AT, &[], 3, AT, Some(Standing::Waiting(late(4)))),
            ("who left is not admitted", AT, &[], 2, AT, None),
            ("a turn", AT, &[], 1, 1_999, Some(Standing::Admitted { score: one, claim_by_ms: 2_000 })),
            ("that passes", AT, &[], 1, 2_000, None),
            ("is claimed in time", 1_999, &[claim(1, 5_000)], 1, AT, Some(Standing::Inside { score: one, until_ms: 5_000 })),
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
        use Entry::{Admit, Claim, Close, Draw, End, Join};
        let enter = |until_ms| [Admit { through: late(9), claim_by_ms: 2_000 }, Claim { place: place(1), until_ms }];
        let begun = [vec![Close, Draw(DrawSeed([0; 32])), Join(place(1))], enter(5_000).to_vec()].concat();
        let end = |until_ms| End { place: place(1), until_ms };
        let again = [vec![end(3_000), Join(place(1))], enter(2_500).to_vec(), vec![end(2_400)]].concat();
        // (what, what happened, until when the slots are taken)
        let cases: [(&str, &[Entry], i64, u64); 4] = [
            ("as long as the last token buys", &[end(3_000)], 3_000, 1),
            ("not longer than the session", &[end(9_000)], 5_000, 1),
            ("once", &[end(3_000), end(9_000)], 3_000, 1),
            ("one account, two sessions: the longer one's", &again, 3_000, 1),
        ];
        for (what, entries, until_ms, taken) in cases {
            let line = line(&[(AT, &begun), (AT, entries)]);
            assert_eq!((line.inside(until_ms - 1), line.inside(until_ms)), (taken, 0), "{what}");
        }
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

//! The line that follows from a room's log. Redis holds the same, built by `apply.lua`; a test holds the two to each other.

use std::collections::{BTreeSet, HashMap};

use super::{DrawSeed, Entry, PlaceId, Score, Segment};

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

/// A whole line. About 150 bytes per place.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Line {
    phase: Phase,
    standing: HashMap<PlaceId, Standing>,
    waiting: BTreeSet<(Score, PlaceId)>,
    frontier: Option<Score>,
    admitted: u64,
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
                Entry::Admit { through, claim_by_ms } => self.admit(through, claim_by_ms),
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

    fn admit(&mut self, through: Score, claim_by_ms: i64) {
        while let Some(&(score, place)) = self.waiting.first().filter(|(score, _)| *score <= through) {
            self.waiting.pop_first();
            self.standing.insert(place, Standing::Admitted { score, claim_by_ms });
            self.admitted += 1;
        }
        self.frontier = self.frontier.max(Some(through));
    }

    fn close(&mut self) {
        if self.phase == Phase::Lobby {
            self.phase = Phase::Closed;
        }
    }

    fn draw(&mut self, seed: &DrawSeed) {
        if self.phase != Phase::Closed {
            return;
        }
        self.phase = Phase::Drawn;
        for (place, standing) in &mut self.standing {
            if let Standing::Lobby { .. } = standing {
                let score = Score::drawn(seed, *place);
                *standing = Standing::Waiting(score);
                self.waiting.insert((score, *place));
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

    /// How far the lobby has come.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The highest score whose turn has come.
    pub fn frontier(&self) -> Option<Score> {
        self.frontier
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
        let drawn = |n| Some(Standing::Waiting(Score::drawn(&seed, place(n))));
        let entries = [Join(place(1)), Join(place(2)), Join(place(1)), Close, Join(place(3)), Join(place(2)), Leave(place(4))];
        let closed = line(&[(AT, &entries)]);
        assert_eq!(closed.standing(place(1), AT), Some(Standing::Lobby { position: 0 }));
        assert_eq!(closed.standing(place(3), AT), Some(Standing::Waiting(late(4))));
        let after = line(&[(AT, &entries), (AT, &[Leave(place(1)), Draw(seed), Join(place(1)), Draw(DrawSeed([4; 32]))])]);
        assert_eq!(after.standing(place(2), AT), drawn(2));
        assert_eq!(after.standing(place(1), AT), Some(Standing::Waiting(late(9))), "left while it was drawn: at the end");
        assert_eq!(after.phase(), Phase::Drawn);
    }

    #[test]
    fn turns_come_by_score_and_end_with_their_time() {
        use Entry::{Admit, Claim, Close, Draw, Join, Leave};
        let begun = [Close, Draw(DrawSeed([0; 32])), Join(place(1)), Join(place(2)), Join(place(3)), Leave(place(2))];
        let admit = Admit { through: late(3), claim_by_ms: 2_000 };
        let claim = |n, until_ms| Claim { place: place(n), until_ms };
        let one = late(2);
        type Case<'a> = (&'a str, i64, &'a [Entry], u8, i64, Option<Standing>);
        let cases: [Case<'_>; 8] = [
            ("who stands behind waits", AT, &[], 3, AT, Some(Standing::Waiting(late(4)))),
            ("who left is not admitted", AT, &[], 2, AT, None),
            ("a turn", AT, &[], 1, 1_999, Some(Standing::Admitted { score: one, claim_by_ms: 2_000 })),
            ("that passes", AT, &[], 1, 2_000, None),
            ("is claimed in time", 1_999, &[claim(1, 5_000)], 1, AT, Some(Standing::Inside { score: one, until_ms: 5_000 })),
            ("or not", 2_000, &[claim(1, 5_000)], 1, 2_000, None),
            ("once", AT, &[claim(1, 5_000), claim(1, 9_000)], 1, 5_000, None),
            ("and begins again at the end", 2_000, &[Join(place(1))], 1, AT, Some(Standing::Waiting(late(7)))),
        ];
        for (what, at_ms, entries, n, asked_ms, expected) in cases {
            let line = line(&[(AT, &begun), (AT, &[admit]), (at_ms, entries)]);
            assert_eq!(line.standing(place(n), asked_ms), expected, "{what}");
            assert_eq!((line.admitted(), line.frontier()), (1, Some(late(3))), "{what}");
        }
    }
}

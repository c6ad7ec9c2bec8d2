//! The line that follows from a room's log. Redis holds the same, built by `apply.lua`; a test holds the two to each other.

mod turns;

use std::collections::{HashMap, HashSet};

use self::turns::Turns;
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
    /// Who takes part in the draw, until it is made: also who has left since.
    closed: Vec<PlaceId>,
    /// Slots of sessions that are not renewed, until then (Unix ms).
    ending: HashMap<PlaceId, i64>,
    admitted: u64,
    first: Turns,
    /// Of those whose turn comes once more.
    second: Turns,
    /// Everyone who was ever deferred: a sale has one second turn for each.
    ever_deferred: HashSet<PlaceId>,
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
                Entry::Admit { through, claim_by_ms } => {
                    let turns = self.first.come(through, claim_by_ms, segment.at_ms);
                    self.admit(turns, claim_by_ms);
                }
                Entry::AdmitDeferred { through, claim_by_ms } => {
                    let turns = self.second.come(through, claim_by_ms, segment.at_ms);
                    self.admit(turns, claim_by_ms);
                }
                Entry::Defer(place) => self.defer(place, position, segment.at_ms),
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
            Standing::Waiting(score) => self.first.remove(score, place),
            Standing::Deferred(score) => self.second.remove(score, place),
            Standing::Lobby { .. } | Standing::Admitted { .. } | Standing::Inside { .. } => false,
        };
    }

    fn defer(&mut self, place: PlaceId, position: u64, at_ms: i64) {
        let missed = match self.standing.get(&place) {
            Some(Standing::Admitted { claim_by_ms, .. }) => *claim_by_ms <= at_ms,
            Some(Standing::Inside { session, .. }) => session.until_ms > at_ms && !session.has_slot(at_ms),
            _ => false,
        };
        if missed && let (Some(score), true) = (Score::deferred(position), self.ever_deferred.insert(place)) {
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

    fn admit(&mut self, turns: Vec<(Score, PlaceId)>, claim_by_ms: i64) {
        for (score, place) in turns {
            self.standing.insert(place, Standing::Admitted { score, claim_by_ms });
            self.admitted += 1;
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
        match standing {
            Standing::Waiting(score) => self.first.insert(score, place),
            Standing::Deferred(score) => self.second.insert(score, place),
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
        let turns = match through.kind() {
            PlaceKind::Deferred { .. } => &self.second,
            PlaceKind::Lobby | PlaceKind::Drawn { .. } | PlaceKind::Late { .. } => &self.first,
        };
        turns.before(through)
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
        self.first.frontier()
    }

    /// The score up to which every turn is over at this time: claimed, or too late for it.
    pub fn passed(&self, at_ms: i64) -> Option<Score> {
        self.first.passed(at_ms)
    }

    /// The times at which turns are over, and up to which score they are then; those that matter after the last admission.
    pub fn turns(&self) -> impl Iterator<Item = (i64, Score)> {
        self.first.over()
    }

    /// Everyone who was ever deferred, in no order.
    pub fn ever_deferred(&self) -> impl Iterator<Item = PlaceId> {
        self.ever_deferred.iter().copied()
    }

    /// The highest score of a deferred place whose second turn has come.
    pub fn deferred_frontier(&self) -> Option<Score> {
        self.second.frontier()
    }

    /// The score up to which the second turn of every deferred place is over at this time.
    pub fn deferred_passed(&self, at_ms: i64) -> Option<Score> {
        self.second.passed(at_ms)
    }

    /// The same as [`Self::turns`], of deferred places.
    pub fn deferred_turns(&self) -> impl Iterator<Item = (i64, Score)> {
        self.second.over()
    }

    /// How many turns have come so far.
    pub fn admitted(&self) -> u64 {
        self.admitted
    }
}

#[cfg(test)]
mod tests;

//! The board: one small public snapshot per event from which every fan's place follows without I/O.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Commitment, DrawSeed, MerkleRoot, PlaceTicket, RoomState, Score};
use crate::EventId;

/// What is left of one price category.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Availability {
    /// The category's number within the event.
    pub category: u16,
    /// Seats nobody has.
    pub free: u32,
    /// Seats on hold: they may come back.
    pub held: u32,
}

/// A known point of the line: a place with this score has this many places before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pivot {
    /// The score of a place in line.
    pub score: Score,
    /// How many wait before it.
    pub ahead: u64,
}

/// The public state of one room. The same bytes for every fan.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Board {
    /// Which event.
    pub event: EventId,
    /// Where the room stands.
    pub state: RoomState,
    /// When this snapshot was taken.
    pub at: Timestamp,
    /// When the lobby opens.
    pub lobby_opens_at: Timestamp,
    /// When the order is drawn and admission starts.
    pub onsale_at: Timestamp,
    /// Places in line (or in the lobby).
    pub waiting: u64,
    /// Fans admitted so far.
    pub admitted: u64,
    /// The highest score admitted so far; every place at or before it has had its turn.
    pub frontier: Option<Score>,
    /// The rate in force, per minute.
    pub rate_per_min: u32,
    /// How many admissions per minute the last minute really saw; the model behind the waiting time.
    pub observed_per_min: u32,
    /// Hash of the draw's secret.
    pub commitment: Commitment,
    /// Root of the lobby, once it is closed.
    pub root: Option<MerkleRoot>,
    /// The seed, once the draw is done.
    pub seed: Option<DrawSeed>,
    /// Known points of the line in ascending order: dense at the front, sparse behind.
    pub pivots: Vec<Pivot>,
    /// What is left, per price category.
    pub availability: Vec<Availability>,
    /// The operators' message, plain text.
    pub message: String,
}

/// Where a ticket's holder stands on a board.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "where", rename_all = "snake_case")]
pub enum Location {
    /// The order is still to be drawn.
    Lobby {
        /// How many take part so far.
        joined: u64,
    },
    /// In line.
    Waiting {
        /// How many stand before; exact within the densest pivots, within 1 % further back.
        ahead: u64,
        /// Estimated seconds to the turn; None while nobody is admitted.
        eta_s: Option<u64>,
    },
    /// At or before the frontier: time to claim.
    Turn,
}

impl Board {
    /// Where the holder of `ticket` stands. Pure: needs nothing but the two.
    pub fn locate(&self, ticket: &PlaceTicket) -> Location {
        let Some(score) = ticket.score(self.seed.as_ref()) else {
            return Location::Lobby { joined: self.waiting };
        };
        if self.frontier.is_some_and(|frontier| score <= frontier) {
            return Location::Turn;
        }
        let ahead = self.ahead_of(score);
        Location::Waiting { ahead, eta_s: self.eta_s(ahead) }
    }

    /// How many places stand before `score`, interpolated between the pivots around it.
    pub fn ahead_of(&self, score: Score) -> u64 {
        let after = self.pivots.partition_point(|pivot| pivot.score < score);
        let (low_score, low) = match after.checked_sub(1).and_then(|i| self.pivots.get(i)) {
            Some(pivot) => (pivot.score.as_u64(), pivot.ahead + 1),
            None => (self.frontier.map_or(0, Score::as_u64), 0),
        };
        let (high_score, high) = match self.pivots.get(after) {
            Some(pivot) if pivot.score == score => return pivot.ahead,
            Some(pivot) => (pivot.score.as_u64(), pivot.ahead),
            None => return self.waiting.max(low),
        };
        let span = u128::from(high_score.saturating_sub(low_score)).max(1);
        let part = u128::from(score.as_u64().saturating_sub(low_score));
        let between = u128::from(high.saturating_sub(low)) * part / span;
        low + u64::try_from(between).unwrap_or(0)
    }

    /// Nothing is free and nothing can come back.
    pub fn is_sold_out(&self) -> bool {
        !self.availability.is_empty() && self.availability.iter().all(|a| a.free == 0 && a.held == 0)
    }

    fn eta_s(&self, ahead: u64) -> Option<u64> {
        let per_min = u64::from(if self.observed_per_min > 0 { self.observed_per_min } else { self.rate_per_min });
        (self.state.admits_fans() && per_min > 0).then(|| ((ahead + 1) * 60).div_ceil(per_min))
    }
}

/// Shortest poll interval, in milliseconds.
const POLL_MIN_MS: u64 = 1_000;
/// Longest poll interval, in milliseconds: an operator's message must reach everyone within it.
const POLL_MAX_MS: u64 = 30_000;

/// How long a fan at `location` should wait before asking again: a tenth of the time to their turn.
pub fn poll_after_ms(location: &Location) -> u64 {
    match location {
        Location::Turn => POLL_MIN_MS,
        Location::Lobby { .. } | Location::Waiting { eta_s: None, .. } => 5_000,
        Location::Waiting { eta_s: Some(eta_s), .. } => (eta_s * 100).clamp(POLL_MIN_MS, POLL_MAX_MS),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::AccountId;
    use crate::queue::{PlaceId, PlaceKind};

    fn board(scores: &[u64], every: usize) -> Board {
        let pivots = (0..scores.len())
            .step_by(every)
            .map(|rank| Pivot { score: Score::from_u64(scores[rank]).unwrap(), ahead: rank as u64 })
            .collect();
        Board {
            event: EventId(Uuid::nil()),
            state: RoomState::Open,
            at: Timestamp::UNIX_EPOCH,
            lobby_opens_at: Timestamp::UNIX_EPOCH,
            onsale_at: Timestamp::UNIX_EPOCH,
            waiting: scores.len() as u64,
            admitted: 0,
            frontier: None,
            rate_per_min: 60,
            observed_per_min: 0,
            commitment: Commitment([0; 32]),
            root: None,
            seed: None,
            pivots,
            availability: Vec::new(),
            message: String::new(),
        }
    }

    fn late(sequence: u64) -> PlaceTicket {
        PlaceTicket {
            place: PlaceId([0; 16]),
            event: EventId(Uuid::nil()),
            account: AccountId(Uuid::nil()),
            kind: PlaceKind::Late { sequence },
            issued_at_ms: 0,
        }
    }

    #[test]
    fn a_lobby_place_is_unknown_until_the_draw() {
        let ticket = PlaceTicket { kind: PlaceKind::Lobby, ..late(0) };
        assert_eq!(board(&[], 1).locate(&ticket), Location::Lobby { joined: 0 });
    }

    #[test]
    fn the_frontier_itself_has_its_turn_and_the_next_does_not() {
        let base = 1 << 52;
        let board = Board { frontier: Score::late(4), ..board(&[base + 5, base + 6], 1) };
        assert_eq!(board.locate(&late(4)), Location::Turn);
        assert_eq!(board.locate(&late(5)), Location::Waiting { ahead: 0, eta_s: Some(1) });
        assert_eq!(board.locate(&late(6)), Location::Waiting { ahead: 1, eta_s: Some(2) });
    }

    #[test]
    fn a_paused_room_promises_no_time() {
        let board = Board { state: RoomState::Paused, ..board(&[1 << 52], 1) };
        assert_eq!(board.locate(&late(0)), Location::Waiting { ahead: 0, eta_s: None });
    }

    proptest! {
        #[test]
        fn every_place_is_exact_where_each_rank_is_a_pivot(mut scores in proptest::collection::btree_set(0u64..(1 << 53), 1..200)) {
            let scores: Vec<u64> = std::mem::take(&mut scores).into_iter().collect();
            let board = board(&scores, 1);
            for (rank, score) in scores.iter().enumerate() {
                prop_assert_eq!(board.ahead_of(Score::from_u64(*score).unwrap()), rank as u64);
            }
        }

        #[test]
        fn interpolation_stays_between_its_pivots(scores in proptest::collection::btree_set(0u64..(1 << 53), 1..400), every in 1usize..40) {
            let scores: Vec<u64> = scores.into_iter().collect();
            let board = board(&scores, every);
            for (rank, score) in scores.iter().enumerate() {
                let ahead = board.ahead_of(Score::from_u64(*score).unwrap());
                let low = (rank / every * every) as u64;
                prop_assert!(ahead >= low && ahead <= (low + every as u64).max(scores.len() as u64), "{} {}", ahead, rank);
            }
        }
    }
}

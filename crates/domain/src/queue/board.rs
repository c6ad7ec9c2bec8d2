//! The board: one small public snapshot per event from which every fan's place follows without I/O.

use iso_currency::Currency;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::pivots::at_most;
use super::{
    CategoryStock, Chance, ControlLogHead, Crowd, Distance, DrawSeed, DrawTerms, Eta, EtaModel, HeldUp, LobbyHead, Pivots,
    PlaceKind, PlaceTicket, Release, RoomState, Score, ShadowLine, WhenDown, chances, poll_after_ms, release,
};
use crate::EventId;

/// What is left of one price category. What it is called stands with the event: the board is small.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Availability {
    /// The category's number within the event.
    pub category: u16,
    /// Seats no one has.
    pub free: u32,
    /// Seats on hold: they may come back.
    pub held: u32,
    /// All its seats, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    /// What a fan pays for one, everything included, in minor units of the board's currency, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<i64>,
}

/// What a board tells of its room's draw.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BoardDraw {
    /// What was announced.
    pub terms: DrawTerms,
    /// The lobby so far; the same for ever once it is closed. None before the lobby opens.
    pub lobby: Option<LobbyHead>,
    /// What orders the lobby, once it is drawn.
    pub seed: Option<DrawSeed>,
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
    /// From how many entries of the room's log it follows: a place with this sequence, or a higher one, was taken after it.
    pub log: u64,
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
    /// At or before this score every turn is over: claimed, or too late for it.
    pub passed: Option<Score>,
    /// The highest score of a deferred place whose second turn came.
    #[serde(default)]
    pub deferred_frontier: Option<Score>,
    /// At or before this score the second turn of every deferred place is over.
    #[serde(default)]
    pub deferred_passed: Option<Score>,
    /// The rate in force, per minute.
    pub rate_per_min: u32,
    /// How many admissions per minute the last minute really saw.
    pub observed_per_min: u32,
    /// The draw. None for the moment between the event's publication and the room's first tick.
    pub draw: Option<BoardDraw>,
    /// Known points of the line.
    pub pivots: Pivots,
    /// What is left, per price category.
    pub availability: Vec<Availability>,
    /// Whoever is inside may buy.
    pub selling: bool,
    /// The operators' message, plain text.
    pub message: String,
    /// Where the operators' log ends.
    #[serde(default)]
    pub control_log: ControlLogHead,
    /// How fast the line moves, or will when it goes on: every waiting time follows from it. None before the order is drawn.
    #[serde(default)]
    pub eta: Option<EtaModel>,
    /// What holds the line up.
    #[serde(default)]
    pub held_up_by: Option<HeldUp>,
    /// Who could buy, or may come inside by a claim.
    #[serde(default)]
    pub inside: u64,
    /// Of all prices; None where none is told.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// What gateways do that have lost the waiting room: chosen before, as they cannot ask then.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when_down: WhenDown,
    /// The price categories to which this line lets in, where those are not all of the event's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<u16>>,
    /// Of a shadow room, which lets everyone in: who would wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowLine>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a fan is told of one price category.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CategoryChance {
    /// The category's number within the event.
    pub category: u16,
    /// Whether they find a seat of it.
    pub chance: Chance,
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
    /// The order is drawn, and the ticket is from before: the waiting room has one that says the rank.
    Drawn,
    /// In line.
    Waiting {
        /// How many stand before; exact among the first hundred, within 1 % further back. From board to board it only falls.
        ahead: u64,
        /// When the turn comes; None before the order is drawn.
        eta: Option<Eta>,
    },
    /// The turn passed, and comes once more: with the next ones, ahead of everyone who waits.
    Deferred,
    /// At or before the frontier: time to claim.
    Turn,
    /// The turn is over. Whoever claimed it has their entry token; a claim tells everyone else what became of their place.
    Passed,
    /// Claimed, inside until then. Only the waiting room itself knows it, no board.
    Inside {
        /// The end of the session.
        until: Timestamp,
    },
}

impl Board {
    /// Where the holder of `ticket` stands. Pure: needs nothing but the two.
    pub fn locate(&self, ticket: &PlaceTicket) -> Location {
        match ticket.score() {
            Some(score) => self.locate_score(score),
            None if self.is_drawn() => Location::Drawn,
            None => Location::Lobby { joined: self.waiting },
        }
    }

    /// Where the place with this score stands. docs/CLIENTS.md tells every client to do the same.
    pub fn locate_score(&self, score: Score) -> Location {
        let deferred = matches!(score.kind(), PlaceKind::Deferred { .. });
        let (passed, frontier) =
            if deferred { (self.deferred_passed, self.deferred_frontier) } else { (self.passed, self.frontier) };
        if passed.is_some_and(|passed| score <= passed) {
            return Location::Passed;
        }
        if frontier.is_some_and(|frontier| score <= frontier) {
            return Location::Turn;
        }
        if deferred {
            return Location::Deferred;
        }
        let ahead = self.ahead_of(score);
        Location::Waiting { ahead, eta: self.eta_of(ahead) }
    }

    /// When the turn comes of a place before which so many stand.
    pub fn eta_of(&self, ahead: u64) -> Option<Eta> {
        self.eta.map(|model| model.eta(ahead, self.moves()))
    }

    /// What a fan finds of each price category before whom so many stand. Of those whose size is not known nothing is told.
    pub fn chances_of(&self, ahead: u64) -> Vec<CategoryChance> {
        let known: Vec<(u16, CategoryStock)> = self
            .availability
            .iter()
            .filter_map(|of| {
                let stock = CategoryStock { capacity: of.capacity?.into(), free: of.free.into(), held: of.held.into() };
                Some((of.category, stock))
            })
            .collect();
        let stock: Vec<CategoryStock> = known.iter().map(|(_, stock)| *stock).collect();
        let told = chances(&stock, Crowd { admitted: self.admitted, inside: self.inside }, ahead);
        known.iter().zip(told).map(|(&(category, _), chance)| CategoryChance { category, chance }).collect()
    }

    /// Whether the front of the line moves.
    pub fn moves(&self) -> bool {
        let held_up = self.held_up_by.is_some_and(|reason| reason.stands_still(self.observed_per_min));
        self.state.admits_fans() && self.rate_per_min > 0 && !held_up
    }

    /// How long the holder of `ticket`, who stands there, should wait before asking again.
    pub fn poll_after_ms(&self, ticket: &PlaceTicket, location: &Location) -> u64 {
        let distance = match *location {
            Location::Turn => Distance::Turn,
            Location::Drawn => Distance::Lobby { joined: self.waiting },
            Location::Passed | Location::Inside { .. } => Distance::Over,
            Location::Lobby { joined } => Distance::Lobby { joined },
            Location::Deferred => Distance::Ahead(0),
            Location::Waiting { ahead, .. } => Distance::Ahead(ahead),
        };
        poll_after_ms(ticket.place, distance, self.rate_per_min)
    }

    /// How many places stand before one. Who came after the board stands behind everyone on it, and who may have come since.
    fn ahead_of(&self, score: Score) -> u64 {
        match score.kind() {
            PlaceKind::Late { sequence } if sequence >= self.log => at_most(self.waiting.saturating_add(sequence - self.log)),
            _ => self.pivots.ahead_of(score),
        }
    }

    /// Whether this board was made after another one of its room. Who shows an older one after it tells fans that they fell back.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        (self.log, self.at) > (other.log, other.at)
    }

    /// Whether the lobby has its order.
    pub fn is_drawn(&self) -> bool {
        self.draw.as_ref().is_some_and(|draw| draw.seed.is_some())
    }

    /// Whether an entry token buys anything now.
    pub fn sells(&self) -> bool {
        self.selling && self.state != RoomState::Closed
    }

    /// What a fan is told who wants these categories, or any where they name none, when nothing is left for them.
    pub fn release_of(&self, wanted: &[u16]) -> Option<Release> {
        let left: Vec<(u16, bool)> = self.availability.iter().map(|of| (of.category, of.free > 0 || of.held > 0)).collect();
        release(&left, wanted)
    }

    /// Nothing is free and nothing can come back.
    pub fn is_sold_out(&self) -> bool {
        !self.availability.is_empty() && self.availability.iter().all(|a| a.free == 0 && a.held == 0)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::AccountId;
    use crate::queue::{EtaRange, PlaceId, PlaceKind};

    fn board(scores: &[u64]) -> Board {
        let at = |rank| Score::from_u64(scores[usize::try_from(rank).unwrap()]).unwrap();
        Board {
            event: EventId(Uuid::nil()),
            state: RoomState::Open,
            at: Timestamp::UNIX_EPOCH,
            log: 1_000,
            lobby_opens_at: Timestamp::UNIX_EPOCH,
            onsale_at: Timestamp::UNIX_EPOCH,
            waiting: scores.len() as u64,
            admitted: 0,
            frontier: None,
            passed: None,
            deferred_frontier: None,
            deferred_passed: None,
            rate_per_min: 60,
            observed_per_min: 0,
            draw: None,
            pivots: Pivots::pick(scores.len() as u64, at, None),
            availability: Vec::new(),
            selling: true,
            message: String::new(),
            control_log: ControlLogHead::default(),
            eta: EtaModel::of_rate(60, 0),
            held_up_by: None,
            inside: 0,
            currency: None,
            when_down: WhenDown::FailClosed,
            categories: None,
            shadow: None,
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as a place says it")]
    fn eta(from_s: u64, to_s: u64) -> Option<Eta> {
        Some(Eta::In(EtaRange { from_s, to_s }))
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
        assert_eq!(board(&[]).locate(&ticket), Location::Lobby { joined: 0 });
    }

    #[test]
    fn the_frontier_itself_has_its_turn_and_the_next_does_not() {
        let base = 1 << 52;
        let board = Board { frontier: Score::late(4), ..board(&[base + 5, base + 6]) };
        assert_eq!(board.locate(&late(4)), Location::Turn);
        assert_eq!(board.locate(&late(5)), Location::Waiting { ahead: 0, eta: eta(1, 2) });
        assert_eq!(board.locate(&late(6)), Location::Waiting { ahead: 1, eta: eta(2, 4) });
    }

    #[test]
    fn a_turn_passes_once_and_for_all() {
        let board = Board { frontier: Score::late(4), passed: Score::late(2), ..board(&[]) };
        let told = [1, 2, 3, 4].map(|sequence| board.locate(&late(sequence)));
        assert_eq!(told, [Location::Passed, Location::Passed, Location::Turn, Location::Turn]);
        let [passed, turn] = [Location::Passed, Location::Turn].map(|location| board.poll_after_ms(&late(1), &location));
        assert!(passed > turn);
    }

    #[test]
    fn a_deferred_place_is_told_by_the_turns_of_its_own_kind() {
        let deferred = |sequence| PlaceTicket { kind: PlaceKind::Deferred { sequence }, ..late(0) };
        let (at, of) = (Score::deferred, Score::late);
        let board = Board { frontier: of(90), passed: of(80), deferred_frontier: at(50), deferred_passed: at(40), ..board(&[]) };
        let told = [40, 41, 50, 51, 2_000].map(|sequence| board.locate(&deferred(sequence)));
        assert_eq!(told, [Location::Passed, Location::Turn, Location::Turn, Location::Deferred, Location::Deferred]);
        assert_eq!([80, 81].map(|sequence| board.locate(&late(sequence))), [Location::Passed, Location::Turn]);
        let soon = |ticket: &PlaceTicket, location| board.poll_after_ms(ticket, &location);
        assert_eq!(soon(&deferred(51), Location::Deferred), soon(&late(0), Location::Waiting { ahead: 0, eta: None }));
    }

    #[test]
    fn a_line_that_stands_still_says_so_and_keeps_its_range() {
        let ticket = late(0);
        let still = Some(Eta::Paused(EtaRange { from_s: 1, to_s: 2 }));
        let told = |board: Board| match board.locate(&ticket) {
            Location::Waiting { eta, .. } => eta,
            other => panic!("{other:?}"),
        };
        let open = board(&[1 << 52]);
        assert_eq!(told(open.clone()), eta(1, 2));
        assert_eq!(told(Board { state: RoomState::Paused, ..open.clone() }), still);
        assert_eq!(told(Board { rate_per_min: 0, ..open.clone() }), still);
        assert_eq!(told(Board { eta: None, ..open.clone() }), None, "not drawn");
        let full = Board { held_up_by: Some(HeldUp::CapReached), ..open };
        assert_eq!(told(full.clone()), still);
        assert_eq!(told(Board { observed_per_min: 1, ..full }), eta(1, 2), "fans leave, and others come");
    }

    #[test]
    fn a_room_that_stands_still_is_asked_no_more_often_than_before() {
        let open = Board { rate_per_min: 6_000, observed_per_min: 600, ..board(&[1 << 52]) };
        let told = |board: &Board, ahead| board.poll_after_ms(&late(0), &Location::Waiting { ahead, eta: board.eta_of(ahead) });
        for ahead in [0, 100, 3_000, 30_000, 10_000_000] {
            for state in RoomState::ALL {
                let still = Board { state, observed_per_min: 0, ..open.clone() };
                assert!(told(&still, ahead) >= told(&open, ahead), "{state:?}, {ahead} ahead");
            }
            let stopped = Board { rate_per_min: 0, ..open.clone() };
            assert!(told(&stopped, ahead) >= told(&open, ahead), "a rate of 0, {ahead} ahead");
        }
    }

    #[test]
    fn who_came_after_the_board_stands_behind_everyone_on_it() {
        let base = 1 << 52;
        let board = board(&[base, base + 1, base + 2]);
        let ahead = |sequence| match board.locate(&late(sequence)) {
            Location::Waiting { ahead, .. } => ahead,
            other => panic!("{other:?}"),
        };
        assert_eq!([0, 2, 1_000, 1_004].map(ahead), [0, 2, 3, 7]);
    }

    #[test]
    fn of_two_boards_the_one_of_the_longer_log_is_newer_and_then_the_later_one() {
        let at = |log, ms| Board { log, at: Timestamp::from_millisecond(ms).unwrap(), ..board(&[]) };
        let rows = [((2, 5), (1, 9), true), ((1, 9), (2, 5), false), ((2, 6), (2, 5), true), ((2, 5), (2, 5), false)];
        for ((log, ms), (other_log, other_ms), newer) in rows {
            assert_eq!(at(log, ms).is_newer_than(&at(other_log, other_ms)), newer, "{log} {ms} {other_log} {other_ms}");
        }
    }
}

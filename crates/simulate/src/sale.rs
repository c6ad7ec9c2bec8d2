//! The sale: tick by tick, from the opening of the lobby until everyone had their turn, or nothing is left.

mod fans;
mod owner;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use goticket_domain::queue::Shown;

use crate::arrivals::Arrivals;
use crate::crowd::Crowd;
use crate::eta::Watchers;
use crate::faults::Kind;
use crate::inside::{Agenda, Inside};
use crate::owner::{Head, Owner};
use crate::pipeline::Pipeline;
use crate::polls;
use crate::report::{Report, Sample};
use crate::room::Room;
use crate::scenario::Scenario;
use crate::shown::Boards;
use crate::tally::Tally;
use crate::verdict::Verdict;

/// How long Redis takes to be filled again, in microseconds for each place of the log.
const FILL_US_PER_PLACE: u64 = 2;

pub(crate) struct Sale<'a, R> {
    scenario: &'a Scenario,
    pub(crate) room: R,
    arrivals: Arrivals,
    crowd: Crowd,
    agenda: Agenda,
    inside: Inside,
    head: Head,
    owner: Owner,
    boards: Boards,
    pipeline: Pipeline,
    watchers: Watchers,
    tally: Tally,
    now_ms: i64,
    drawn: bool,
    joined: u32,
    /// Fans of the lobby: they waited from the start, not from when they came.
    lobby: u32,
    next_fault: usize,
    /// Until then no replica owns the room.
    ownerless_until_ms: i64,
    /// Redis is being filled until then.
    filling_until_ms: Option<i64>,
    /// The owner dies as soon as it has written its next turns.
    doomed_for_ms: Option<u32>,
    /// The end of the claim window of turns that were decided last.
    claim_by_ms: i64,
    /// Fans in the order of their turns.
    turns: Vec<u32>,
    /// Who came back after their turn had passed.
    deferred: HashSet<u32>,
    second_turns: u64,
    refused: u64,
}

impl<'a, R: Room> Sale<'a, R> {
    pub(crate) fn new(scenario: &'a Scenario, room: R) -> Self {
        let arrivals = Arrivals::new(scenario.fans, &scenario.arrivals);
        let (now_ms, head) = (arrivals.open_ms(), Head::new(&scenario.room));
        Self {
            scenario,
            room,
            arrivals,
            crowd: Crowd::new(scenario),
            agenda: Agenda::new(now_ms, scenario.room.tick_ms),
            inside: Inside { free: scenario.seats, ..Inside::default() },
            head,
            owner: Owner::default(),
            boards: Boards::default(),
            pipeline: Pipeline::new(&scenario.pipeline),
            watchers: Watchers::new(scenario.fans),
            tally: Tally::new(head.rate_per_min),
            now_ms,
            drawn: false,
            joined: 0,
            lobby: 0,
            next_fault: 0,
            ownerless_until_ms: i64::MIN,
            filling_until_ms: None,
            doomed_for_ms: None,
            claim_by_ms: 0,
            turns: Vec::new(),
            deferred: HashSet::new(),
            second_turns: 0,
            refused: 0,
        }
    }

    pub(crate) fn run(mut self) -> Report {
        while !self.is_over() {
            self.tick();
            self.now_ms += i64::from(self.scenario.room.tick_ms);
        }
        self.report()
    }

    fn tick(&mut self) {
        self.strike();
        self.fill();
        self.join();
        let requests = self.live();
        let health = self.pipeline.advance(requests, self.now_ms, self.scenario.room.tick_ms);
        if self.filling_until_ms.is_none() && self.now_ms >= self.ownerless_until_ms {
            self.own(health);
        }
        self.boards.arrive(self.now_ms);
        if self.now_ms % 1_000 == 0 {
            self.second();
        }
    }

    /// What goes wrong now.
    fn strike(&mut self) {
        while let Some(fault) = self.scenario.faults.get(self.next_fault).filter(|f| i64::from(f.at_s) * 1_000 <= self.now_ms) {
            self.next_fault += 1;
            match fault.kind {
                Kind::ReplicaDies { takeover_ms } => self.doomed_for_ms = Some(takeover_ms),
                Kind::BoardsLate { by_ms, for_s } => self.boards.delay(by_ms, self.now_ms + i64::from(for_s) * 1_000),
                Kind::RedisForgets => {
                    self.room.forget();
                    let fill_ms = u64::from(self.joined) * FILL_US_PER_PLACE / 1_000;
                    self.filling_until_ms = Some(self.now_ms.saturating_add_unsigned(fill_ms));
                }
            }
        }
    }

    /// Whoever asks first, any replica brings the index up to date before it answers.
    fn fill(&mut self) {
        if self.filling_until_ms.is_some_and(|until_ms| until_ms <= self.now_ms) {
            self.filling_until_ms = None;
            self.look();
        }
    }

    fn join(&mut self) {
        self.joined = self.arrivals.by(self.now_ms);
        self.room.join(self.joined, self.now_ms);
        if !self.drawn && self.now_ms >= 0 {
            (self.drawn, self.lobby) = (true, self.joined);
            self.room.draw(self.now_ms);
            self.head.bucket.at_ms = self.now_ms;
        }
    }

    fn second(&mut self) {
        let Some(board) = self.boards.seen() else { return };
        let first_turns = self.head.admitted - self.second_turns;
        let (rate, waiting) = (board.rate_per_min, u64::from(self.joined).saturating_sub(first_turns));
        let polls = match board.shown {
            Shown::Lobby { .. } => polls::in_lobby(waiting, rate),
            Shown::Line { .. } => polls::in_line(waiting, rate),
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of polls")]
        let polls_per_s = polls.ceil() as u64;
        let sample = Sample {
            at_s: self.now_ms / 1_000,
            waiting,
            inside: self.inside.slots,
            admitted: self.head.admitted,
            rate_per_min: rate,
            polls_per_s,
        };
        self.tally.second(sample, self.joined.into(), self.scenario.cdn.edges);
        self.watchers.look(&board, self.joined.into(), self.now_ms);
    }

    fn is_over(&self) -> bool {
        let nothing_left = self.inside.free == Some(0) && self.inside.undecided == 0;
        let all_again = self.second_turns == self.deferred.len() as u64;
        let all_served = self.joined == self.scenario.fans && self.room.waiting() == 0 && all_again && self.inside.undecided == 0;
        let due = self.now_ms >= i64::from(self.scenario.ends_s) * 1_000;
        self.drawn && (nothing_left || all_served || due)
    }

    fn report(self) -> Report {
        let waiting = self.room.waiting();
        let verdict = Verdict::of(&self.room.places(), &self.turns, &self.deferred, waiting, self.refused);
        Report {
            index: self.scenario.index(),
            drained_s: self.tally.last_turn_s.filter(|_| waiting == 0),
            sold_out_s: self.tally.last_seat_s.filter(|_| self.inside.free == Some(0)),
            wait_s: self.tally.waits(),
            eta: self.watchers.figures(),
            turns: self.tally.turns,
            peaks: self.tally.peaks,
            rate_per_min: self.tally.rate_per_min,
            verdict,
            timeline: self.tally.into_timeline(),
        }
    }
}

/// Of the sale: none before its start.
fn seconds(at_ms: i64) -> u64 {
    u64::try_from(at_ms / 1_000).unwrap_or(0)
}

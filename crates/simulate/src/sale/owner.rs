//! What the replica does that owns the room.

use goticket_domain::queue::{Health, Shown};

use super::{Sale, seconds};
use crate::inside::What;
use crate::owner::Owner;
use crate::room::{Room, Turns};
use crate::shown::Board;

impl<R: Room> Sale<'_, R> {
    /// What the room's owner does.
    pub(super) fn own(&mut self, health: Health) {
        if self.ownerless_until_ms > i64::MIN {
            (self.owner, self.ownerless_until_ms) = (Owner::after(self.boards.seen()), i64::MIN);
        }
        self.look();
        if self.now_ms % 1_000 == 0 {
            self.head.follow(health, self.now_ms);
        }
        if self.drawn {
            let (room, waiting) = (&self.scenario.room, self.room.waiting() + self.room.deferred());
            let decision = self.owner.decide(&mut self.head, room, self.inside, waiting, self.now_ms);
            let Turns { first, second } = self.room.decide(decision.most, self.now_ms, decision.claim_by_ms);
            let turns = first + second;
            if turns > 0 {
                self.second_turns += second;
                self.claim_by_ms = decision.claim_by_ms;
                self.head.bucket = self.head.bucket.without(turns);
                self.head.admitted += turns;
                self.inside.slots += turns;
                self.inside.undecided += turns;
                if let Some(takeover_ms) = self.doomed_for_ms.take() {
                    self.ownerless_until_ms = self.now_ms + i64::from(takeover_ms);
                    return;
                }
                self.look();
            }
        }
        self.show();
    }

    /// Turns that were written and not seen yet are seen.
    pub(super) fn look(&mut self) {
        let first = self.turns.len();
        self.room.look(&mut self.turns);
        if self.turns.len() == first {
            return;
        }
        let seen_ms = self.next_board_ms().max(self.ownerless_until_ms) + self.boards.delay_ms(self.now_ms);
        let poll_ms = self.boards.longest_poll_ms(self.head.admitted, self.now_ms);
        for at in first..self.turns.len() {
            let Some(&fan) = self.turns.get(at) else { break };
            let habit = self.crowd.next(poll_ms);
            let came_ms = if fan < self.lobby { 0 } else { self.arrivals.of(fan).max(0) };
            if !self.deferred.contains(&fan) {
                self.tally.turn(self.now_ms - came_ms);
            }
            match habit.claims_after_ms.map(|after_ms| seen_ms + after_ms) {
                Some(claims_ms) if claims_ms < self.claim_by_ms => {
                    let decides_after_ms = u32::try_from(habit.decides_after_ms).unwrap_or(u32::MAX);
                    self.agenda.add(
                        claims_ms,
                        fan,
                        What::Claim { claim_by_ms: self.claim_by_ms, decides_after_ms, buys: habit.buys },
                    );
                }
                came => {
                    let counted = if came.is_some() { &mut self.tally.turns.too_late } else { &mut self.tally.turns.no_shows };
                    *counted += 1;
                    self.agenda.add(self.claim_by_ms, fan, What::WindowOver);
                }
            }
        }
        self.tally.last_turn_s = Some(seconds(self.now_ms));
        self.watchers.turns_came(self.head.admitted, self.now_ms);
    }

    fn board_every_ms(&self) -> i64 {
        (1_000 / i64::from(self.scenario.room.boards_per_s)).max(1)
    }

    fn next_board_ms(&self) -> i64 {
        let every_ms = self.board_every_ms();
        (self.now_ms + every_ms - 1).div_euclid(every_ms) * every_ms
    }

    fn show(&mut self) {
        if self.now_ms.rem_euclid(self.board_every_ms()) >= i64::from(self.scenario.room.tick_ms) {
            return;
        }
        let shown =
            if self.drawn { Shown::Line { admitted: self.head.admitted } } else { Shown::Lobby { joined: self.room.waiting() } };
        let eta = self.owner.show(shown, &self.head, self.drawn && self.room.waiting() > 0, self.now_ms);
        self.boards.publish(Board {
            at_ms: self.now_ms,
            shown,
            admitted: self.head.admitted,
            rate_per_min: self.head.rate_per_min,
            eta,
            moving: self.drawn,
        });
    }
}

//! What fans do whose turn has come.

use goticket_domain::queue::slot_until_ms;

use super::{Sale, seconds};
use crate::inside::{Event, What};
use crate::room::Room;

impl<R: Room> Sale<'_, R> {
    /// What those do whose turn has come. Returns how many ask for seats.
    pub(super) fn live(&mut self) -> u32 {
        let mut requests = 0;
        for Event { fan, what } in self.agenda.advance() {
            match what {
                What::Claim { claim_by_ms, .. } if self.now_ms >= claim_by_ms => {
                    self.tally.turns.too_late += 1;
                    self.turn_passes(fan);
                }
                What::Claim { claim_by_ms, decides_after_ms, buys } => self.claim(fan, claim_by_ms, decides_after_ms, buys),
                What::WindowOver => self.turn_passes(fan),
                What::Returns => self.comes_back(fan),
                What::Decided { buys } => {
                    requests += u32::from(buys);
                    self.decided(buys);
                }
                What::SlotEnds => self.inside.slots -= 1,
            }
        }
        requests
    }

    /// They may come back, once.
    fn turn_passes(&mut self, fan: u32) {
        self.turn_ends();
        if !self.deferred.contains(&fan)
            && let Some(after_ms) = self.crowd.returns_after_ms()
        {
            self.agenda.add(self.now_ms + after_ms, fan, What::Returns);
        }
    }

    fn comes_back(&mut self, fan: u32) {
        if let Some(until_ms) = self.filling_until_ms {
            // Unavailable for the moment: fans try again.
            self.agenda.add(until_ms, fan, What::Returns);
            return;
        }
        self.deferred.insert(fan);
        self.tally.turns.deferred += 1;
        self.room.defer(fan, self.now_ms);
    }

    /// Without a session.
    fn turn_ends(&mut self) {
        self.inside.slots -= 1;
        self.inside.undecided -= 1;
    }

    fn claim(&mut self, fan: u32, claim_by_ms: i64, decides_after_ms: u32, buys: bool) {
        if let Some(until_ms) = self.filling_until_ms {
            // Unavailable for the moment: fans try again.
            self.agenda.add(until_ms, fan, What::Claim { claim_by_ms, decides_after_ms, buys });
            return;
        }
        let room = &self.scenario.room;
        let until_ms = self.now_ms + i64::from(room.session_s) * 1_000;
        let token_ms = i64::from(room.token_s) * 1_000;
        if !self.room.claim(fan, until_ms, slot_until_ms(self.now_ms, token_ms, until_ms), self.now_ms) {
            self.refused += 1;
            self.turn_ends();
            return;
        }
        self.tally.claim(self.now_ms);
        let decided_ms = self.now_ms + i64::from(decides_after_ms);
        let in_time = decided_ms < until_ms;
        self.agenda.add(if in_time { decided_ms } else { until_ms }, fan, What::Decided { buys: buys && in_time });
        // They renew their token until then, and whose session the booking does not end goes on with it.
        let stays = buys && !self.scenario.booking.ends_session;
        let ends_ms = if in_time && !stays { slot_until_ms(decided_ms, token_ms, until_ms) } else { until_ms };
        self.agenda.add(ends_ms, fan, What::SlotEnds);
    }

    fn decided(&mut self, buys: bool) {
        self.inside.undecided -= 1;
        if !buys {
            return;
        }
        let seats = self.inside.sell(self.scenario.booking.seats);
        let figures = &mut self.tally.turns;
        figures.seats_sold += seats;
        if seats > 0 {
            figures.booked += 1;
            self.tally.last_seat_s = Some(seconds(self.now_ms));
        } else {
            figures.found_nothing += 1;
        }
    }
}

//! Which seats a request gets, or why none.

use jiff::Timestamp;

use super::WorkingSet;
use crate::{
    AccountId, SeatNo,
    booking::{BestAvailable, BookingRequest, NamedSeats, Refusal, RefusalReason, SeatChoice, SeatCount, SectionPlan, TakenSeat},
};

impl WorkingSet {
    /// The seats, ascending; nothing is changed.
    pub(super) fn choose(&self, request: &BookingRequest, now: Timestamp) -> Result<Vec<SeatNo>, Refusal> {
        self.terms.refuse(now)?;
        let plan = self.sections.get(&request.section).ok_or(RefusalReason::Invalid)?;
        self.refuse_impossible(&request.choice, plan)?;
        let tickets = self.tickets(request.account).saturating_add(request.choice.quantity());
        if tickets > self.terms.ticket_limit {
            // What is theirs already explains more than the limit does.
            self.refuse_own(&request.choice, request.account)?;
            return Err(RefusalReason::LimitReached.into());
        }
        match &request.choice {
            SeatChoice::Named(named) => self.refuse_taken(named, request.account).map(|()| named.as_slice().to_vec()),
            SeatChoice::BestAvailable(best) => self.find_best(*best, plan),
        }
    }

    /// Seats of another section, or without a price, and categories that the section does not have.
    fn refuse_impossible(&self, choice: &SeatChoice, plan: &SectionPlan) -> Result<(), Refusal> {
        if !plan.categories().iter().all(|category| self.terms.price(*category).is_some()) {
            return Err(RefusalReason::Invalid.into());
        }
        match choice {
            SeatChoice::Named(named) => {
                let foreign: Vec<SeatNo> =
                    named.as_slice().iter().copied().filter(|seat| plan.category(*seat).is_none()).collect();
                if foreign.is_empty() {
                    return Ok(());
                }
                Err(Refusal { seats: foreign, ..RefusalReason::Invalid.into() })
            }
            SeatChoice::BestAvailable(best) => {
                let known = best.category().is_none_or(|category| plan.categories().contains(&category));
                if known { Ok(()) } else { Err(RefusalReason::Invalid.into()) }
            }
        }
    }

    fn refuse_own(&self, choice: &SeatChoice, account: AccountId) -> Result<(), Refusal> {
        match choice {
            SeatChoice::Named(named) => match self.refuse_taken(named, account) {
                Err(refusal) if refusal.reason == RefusalReason::Yours => Err(refusal),
                _ => Ok(()),
            },
            SeatChoice::BestAvailable(_) => Ok(()),
        }
    }

    fn refuse_taken(&self, named: &NamedSeats, account: AccountId) -> Result<(), Refusal> {
        let taken: Vec<TakenSeat> = named.as_slice().iter().filter_map(|seat| self.taken_by(*seat)).collect();
        Refusal::of_taken(&taken, account).map_or(Ok(()), Err)
    }

    fn taken_by(&self, seat: SeatNo) -> Option<TakenSeat> {
        let booking = self.bookings.get(&self.taken.owner(seat)?)?;
        let order = booking.order();
        Some(TakenSeat { seat, booking: order.id, account: order.account, state: booking.state(), until: order.hold_expires_at })
    }

    /// The best there are; else free seats that do not lie together, none but held ones, or none at all.
    fn find_best(&self, best: BestAvailable, plan: &SectionPlan) -> Result<Vec<SeatNo>, Refusal> {
        let categories = plan.categories().iter().copied().filter(|of| best.category().is_none_or(|category| category == *of));
        let count = self.counts.of(plan.no(), categories);
        // Where so many are not free, there is nothing to look for: a crowd that comes too late costs next to nothing.
        let enough = count.free >= u32::from(best.quantity());
        let found = enough.then(|| plan.best_available(&self.taken, best.quantity(), best.category())).flatten();
        found.ok_or_else(|| {
            let reason = match count {
                SeatCount { free: 0, held: 0 } => RefusalReason::Sold,
                SeatCount { free: 0, .. } => RefusalReason::Held,
                _ => RefusalReason::NotTogether,
            };
            reason.into()
        })
    }
}

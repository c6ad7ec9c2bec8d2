//! Who gets which seats: one request against what is taken in its section. Pure; requests come in arrival order, and each takes
//! its seats before the next is looked at.

use std::collections::{HashMap, HashSet};

use super::{IdempotencyKey, Outcome, PayloadHash, RefusalReason, SeatChoice};
use crate::{
    AccountId,
    seating::{LayoutSection, SectionSeats},
};

/// One section, prepared for deciding. Never changes once its event exists.
#[derive(Debug, Clone)]
pub struct SectionPlan {
    first_seat: u32,
    category_of: Vec<u16>,
    categories: Vec<u16>,
    seats: SectionSeats,
}

impl SectionPlan {
    /// Prepares a section whose places are in order of their numbers, without a gap.
    pub fn new(section: &LayoutSection) -> Self {
        let category_of: Vec<u16> = section.seats.iter().map(|seat| seat.category).collect();
        let mut categories = category_of.clone();
        categories.sort_unstable();
        categories.dedup();
        Self { first_seat: section.first_seat, category_of, categories, seats: SectionSeats::new(section) }
    }

    /// The price categories it has, ascending.
    pub fn categories(&self) -> &[u16] {
        &self.categories
    }

    /// How many places it has.
    pub fn len(&self) -> usize {
        self.category_of.len()
    }

    /// A section without places exists only in broken data.
    pub fn is_empty(&self) -> bool {
        self.category_of.is_empty()
    }

    /// The price category of a seat; none if the seat is not of this section.
    pub fn category(&self, seat: u32) -> Option<u16> {
        self.index(seat).map(|index| self.category_of[index])
    }

    fn index(&self, seat: u32) -> Option<usize> {
        let index = usize::try_from(seat.checked_sub(self.first_seat)?).ok()?;
        (index < self.len()).then_some(index)
    }

    fn numbered(&self) -> impl Iterator<Item = (u32, u16)> {
        (self.first_seat..).zip(self.category_of.iter().copied())
    }
}

/// What a seat is to everybody else.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SeatState {
    /// Nobody's.
    #[default]
    Free,
    /// On hold: may come back.
    Held,
    /// Sold.
    Sold,
}

/// What is taken in one section, as it stands between two requests of a batch.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    states: HashMap<u32, SeatState>,
    contested: HashSet<u32>,
}

impl Ledger {
    /// The state of a seat.
    pub fn state(&self, seat: u32) -> SeatState {
        self.states.get(&seat).copied().unwrap_or_default()
    }

    /// Changes the state of seats.
    pub fn set(&mut self, seats: &[u32], state: SeatState) {
        for &seat in seats {
            match state {
                SeatState::Free => self.states.remove(&seat),
                taken => self.states.insert(seat, taken),
            };
        }
    }

    /// Somebody else is being given this seat in this very moment, or was since we last looked.
    pub fn contest(&mut self, seat: u32) {
        self.contested.insert(seat);
    }

    /// All of them nobody's, and nobody about to get one.
    pub fn all_free(&self, seats: &[u32]) -> bool {
        !seats.iter().any(|&seat| self.is_taken(seat))
    }

    fn is_taken(&self, seat: u32) -> bool {
        self.state(seat) != SeatState::Free || self.contested.contains(&seat)
    }
}

/// What the organizer allows at this moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// The event is published, its sale has begun, and it has not started itself.
    pub on_sale: bool,
    /// Most tickets one account may have, over all its bookings of the event.
    pub ticket_limit: u32,
}

/// What a request gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// These seats, ascending. They are taken in the ledger.
    Held {
        /// Seat numbers.
        seats: Vec<u32>,
    },
    /// Nothing; the ledger is as before.
    Refused {
        /// Why.
        reason: RefusalReason,
        /// The seats in the way, where seats were named.
        seats: Vec<u32>,
    },
}

/// Decides one request of an account that has `tickets` tickets of this event already.
pub fn decide(choice: &SeatChoice, rules: Rules, tickets: u32, plan: &SectionPlan, ledger: &mut Ledger) -> Decision {
    match choose(choice, rules, tickets, plan, ledger) {
        Ok(seats) => {
            ledger.set(&seats, SeatState::Held);
            Decision::Held { seats }
        }
        Err((reason, seats)) => Decision::Refused { reason, seats },
    }
}

type Refusal = (RefusalReason, Vec<u32>);

fn choose(choice: &SeatChoice, rules: Rules, tickets: u32, plan: &SectionPlan, ledger: &Ledger) -> Result<Vec<u32>, Refusal> {
    if !rules.on_sale {
        return Err((RefusalReason::NotOnSale, Vec::new()));
    }
    refuse_invalid(choice, plan)?;
    if tickets.saturating_add(choice.quantity()) > rules.ticket_limit {
        return Err((RefusalReason::LimitReached, Vec::new()));
    }
    match choice {
        SeatChoice::Named { seats } => refuse_taken(seats, ledger).map(|()| seats.clone()),
        SeatChoice::BestAvailable { quantity, category } => {
            let found = plan.seats.best_available(|seat| ledger.is_taken(seat), usize::from(*quantity), *category);
            found.ok_or_else(|| (why_none(*category, plan, ledger), Vec::new()))
        }
    }
}

/// What came over the wire was not built by [`SeatChoice`]'s constructors: their rules are repeated here.
fn refuse_invalid(choice: &SeatChoice, plan: &SectionPlan) -> Result<(), Refusal> {
    match choice {
        SeatChoice::Named { seats } => {
            let foreign: Vec<u32> = seats.iter().copied().filter(|&seat| plan.index(seat).is_none()).collect();
            let sound = foreign.is_empty() && SeatChoice::named(seats.clone()).as_ref() == Ok(choice);
            if sound { Ok(()) } else { Err((RefusalReason::Invalid, foreign)) }
        }
        SeatChoice::BestAvailable { quantity, category } => {
            let known = category.is_none_or(|category| plan.categories.contains(&category));
            let sound = known && SeatChoice::best_available(u32::from(*quantity), *category).is_ok();
            if sound { Ok(()) } else { Err((RefusalReason::Invalid, Vec::new())) }
        }
    }
}

/// One sold seat is the end of it; one that was taken in this moment counts only if nothing else is in the way.
fn refuse_taken(seats: &[u32], ledger: &Ledger) -> Result<(), Refusal> {
    let taken: Vec<u32> = seats.iter().copied().filter(|&seat| ledger.is_taken(seat)).collect();
    if taken.is_empty() {
        return Ok(());
    }
    let reason = if taken.iter().any(|&seat| ledger.state(seat) == SeatState::Sold) {
        RefusalReason::Sold
    } else if taken.iter().all(|seat| ledger.contested.contains(seat)) {
        RefusalReason::Contended
    } else {
        RefusalReason::Held
    };
    Err((reason, taken))
}

/// Free seats that do not lie together, none but held ones, or none at all.
fn why_none(category: Option<u16>, plan: &SectionPlan, ledger: &Ledger) -> RefusalReason {
    let wanted = plan.numbered().filter(|(_, of)| category.is_none_or(|category| category == *of));
    let mut reason = RefusalReason::Sold;
    for (seat, _) in wanted {
        if !ledger.is_taken(seat) {
            return RefusalReason::NotTogether;
        }
        if ledger.state(seat) != SeatState::Sold {
            reason = RefusalReason::Held;
        }
    }
    reason
}

/// What was answered under which key: stored outcomes, and the ones this batch adds.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    answered: HashMap<(AccountId, IdempotencyKey), (PayloadHash, Outcome)>,
}

/// What is known about a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Known {
    /// Nothing: decide.
    Nothing,
    /// The same was asked and answered before.
    Answered(Outcome),
    /// The key was used for something else before.
    Reused,
}

impl Answers {
    /// Looks a request up.
    pub fn look_up(&self, account: AccountId, key: &IdempotencyKey, hash: PayloadHash) -> Known {
        match self.answered.get(&(account, key.clone())) {
            None => Known::Nothing,
            Some((known, outcome)) if *known == hash => Known::Answered(outcome.clone()),
            Some(_) => Known::Reused,
        }
    }

    /// Remembers an answer; the first one of a key stays.
    pub fn remember(&mut self, account: AccountId, key: IdempotencyKey, hash: PayloadHash, outcome: Outcome) {
        self.answered.entry((account, key)).or_insert((hash, outcome));
    }
}

#[cfg(test)]
mod tests;

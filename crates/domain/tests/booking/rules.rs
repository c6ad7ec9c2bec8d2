//! The rules of a sale, written a second time: what every step may do, and what holds between steps. They look at what is stored, never
//! at how the core comes to its decisions.

mod creating;
mod paying;
mod state;

use std::sync::Arc;

use goticket_domain::catalog::EventStatus;
use goticket_domain::{
    AccountId, BookingId, SeatNo,
    booking::{Answer, AnyBooking, Applied, BookingState, Change, Command, Outcome, SectionPlan, Terms},
};
use jiff::Timestamp;

pub(crate) use self::{paying::Till, state::state};
use crate::store::{Stale, Store};

/// What was broken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Rule {
    /// A seat has at most one live booking, and the set knows which.
    OneOwner,
    /// An account has at most so many tickets.
    TicketLimit,
    /// Free and held seats by category are what counting them gives.
    Counts,
    /// A key has one outcome, and every repetition gets it.
    OneOutcome,
    /// What ended stays ended; what is sold, is sold while it may be.
    Life,
    /// A payment goes its way once.
    Payments,
    /// Money in = money of confirmed bookings + money that goes back or is looked at.
    Money,
    /// A refusal tells the truth.
    Truth,
    /// A command changes what it is about, all of it, and is answered with what is then.
    Effect,
    /// A set that was told what it needs decides as one that has lived all along.
    Needs,
    /// What was taken back never was.
    TakeBack,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    pub(crate) rule: Rule,
    pub(crate) what: String,
}

pub(crate) type Verdict = Result<(), Fault>;

/// The moment of a decision.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'a> {
    pub(crate) now: Timestamp,
    pub(crate) terms: &'a Terms,
    pub(crate) sections: &'a [Arc<SectionPlan>],
}

pub(crate) fn hold(rule: Rule, holds: bool, what: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Fault { rule, what: what() }) }
}

impl From<Stale> for Rule {
    fn from(stale: Stale) -> Self {
        match stale {
            Stale::OneOutcome | Stale::BookingId => Self::OneOutcome,
            Stale::Seat => Self::OneOwner,
            Stale::Booking => Self::Life,
            Stale::Payment => Self::Payments,
            Stale::Notice => Self::Effect,
        }
    }
}

/// One command was decided and written: returns what is stored now, if that is something else.
pub(crate) fn step(before: &Store, command: &Command, applied: &Applied, moment: Moment<'_>) -> Result<Option<Store>, Fault> {
    let written = (!applied.changes.is_empty()).then(|| before.write(&applied.changes)).transpose();
    let written =
        written.map_err(|stale| Fault { rule: stale.into(), what: format!("{stale:?}: {command:?} came to {applied:?}") })?;
    let told = || format!("{command:?} came to {applied:?}");
    for change in &applied.changes {
        if let Change::Moved(moved) = change {
            let stored = before.bookings.get(&moved.booking).map(AnyBooking::order);
            let same = stored.is_some_and(|order| order.seats == moved.seats && order.account == moved.account);
            hold(Rule::Effect, same && Some(moved.booking) == subject(before, command), told)?;
            let possible = matches!(
                (moved.from, moved.to),
                (BookingState::Held, BookingState::Confirmed | BookingState::Expired | BookingState::Cancelled)
                    | (BookingState::Expired, BookingState::Confirmed)
                    | (BookingState::Confirmed, BookingState::Refunded)
            );
            hold(Rule::Life, possible, told)?;
            let live = stored.is_some_and(|order| moment.now < order.hold_expires_at);
            let in_time = match (moved.from, moved.to) {
                (BookingState::Held, BookingState::Confirmed) => live,
                (BookingState::Held, BookingState::Expired) => !live,
                _ => true,
            };
            hold(Rule::Life, in_time, told)?;
            hold(Rule::Payments, moved.payment.is_some() == (moved.to == BookingState::Confirmed), told)?;
        }
    }
    match command {
        Command::Create { request } => creating::check(before, request, applied, moment)?,
        Command::Pay { notice } => paying::check(before, written.as_ref().unwrap_or(before), notice, applied, moment)?,
        Command::Refunded { payment, booking } => paying::check_refunded(before, *payment, *booking, applied)?,
        Command::Cancel { .. } => check_cancel(before, command, applied)?,
        Command::Expire { booking } => check_expire(before, *booking, applied, moment.now)?,
    }
    Ok(written)
}

/// The booking a command may move: its own, or what the key of a request that is given back stands for.
fn subject(before: &Store, command: &Command) -> Option<BookingId> {
    match command {
        Command::Cancel { booking, account, undecided: Some(request) } if !before.bookings.contains_key(booking) => {
            let (hash, outcome) = before.answers.get(&(*account, request.key.clone()))?;
            (*hash == request.payload_hash).then(|| outcome.booking())
        }
        _ => Some(command.booking()),
    }
}

fn check_cancel(before: &Store, command: &Command, applied: &Applied) -> Verdict {
    let told = || format!("{command:?} came to {applied:?}");
    let Command::Cancel { booking, account, undecided } = command else { return Ok(()) };
    let Some(stored) = before.bookings.get(booking) else {
        let Some(request) = undecided else { return unknown(applied) };
        return match before.answers.get(&(*account, request.key.clone())) {
            Some((hash, outcome)) if *hash == request.payload_hash => match before.state(outcome.booking()) {
                // What the key stands for, under the id of another request.
                Some(BookingState::Held) => moved(applied, BookingState::Held, BookingState::Cancelled),
                _ => replay(*booking, outcome, applied),
            },
            Some(_) => hold(Rule::OneOutcome, applied.answer == Answer::KeyReused && applied.changes.is_empty(), told),
            None => {
                let cancelled = matches!(&applied.changes[..], [Change::Refused(refused)]
                    if refused.refusal.reason.as_str() == "cancelled" && refused.booking == *booking && refused.key == request.key
                        && refused.account == *account && refused.payload_hash == request.payload_hash);
                hold(Rule::Effect, cancelled, told)
            }
        };
    };
    if stored.order().account != *account {
        return unknown(applied);
    }
    match stored.state() {
        BookingState::Held => moved(applied, BookingState::Held, BookingState::Cancelled),
        state => unchanged(applied, state),
    }
}

fn check_expire(before: &Store, booking: BookingId, applied: &Applied, now: Timestamp) -> Verdict {
    match before.bookings.get(&booking) {
        None => unknown(applied),
        Some(stored) if stored.state() == BookingState::Held && stored.order().hold_expires_at <= now => {
            moved(applied, BookingState::Held, BookingState::Expired)
        }
        Some(stored) => unchanged(applied, stored.state()),
    }
}

fn unknown(applied: &Applied) -> Verdict {
    hold(Rule::Effect, applied.answer == Answer::Unknown && applied.changes.is_empty(), || format!("not unknown: {applied:?}"))
}

fn unchanged(applied: &Applied, state: BookingState) -> Verdict {
    let same = applied.answer == Answer::State { state } && applied.changes.is_empty();
    hold(Rule::Life, same, || format!("still {state:?}, but {applied:?}"))
}

fn moved(applied: &Applied, before: BookingState, after: BookingState) -> Verdict {
    let changed = matches!(&applied.changes[..], [Change::Moved(moved)] if (moved.from, moved.to) == (before, after));
    let answered = applied.answer == Answer::State { state: after };
    hold(Rule::Effect, changed && answered, || format!("{before:?} becomes {after:?}, but {applied:?}"))
}

/// The stored outcome, and nothing else.
fn replay(booking: BookingId, outcome: &Outcome, applied: &Applied) -> Verdict {
    let answer = Answer::Decided { decided: outcome.clone(), replayed: outcome.booking() != booking };
    hold(Rule::OneOutcome, applied.answer == answer && applied.changes.is_empty(), || {
        format!("{answer:?} was decided, now {applied:?}")
    })
}

fn is_sold(moment: Moment<'_>) -> bool {
    moment.terms.status == EventStatus::Published && moment.now < moment.terms.starts_at
}

fn owner(store: &Store, seat: SeatNo) -> Option<&AnyBooking> {
    store.bookings.values().find(|booking| booking.state().is_live() && booking.order().seats.contains(&seat))
}

fn tickets(store: &Store, account: AccountId) -> usize {
    let theirs = store.bookings.values().filter(|booking| booking.state().is_live() && booking.order().account == account);
    theirs.map(|booking| booking.order().seats.len()).sum()
}

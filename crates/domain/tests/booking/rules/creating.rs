//! A request: its key's outcome, seats it may have, or a refusal that tells the truth.

use goticket_domain::catalog::EventStatus;
use goticket_domain::{
    Money, SeatNo,
    booking::{
        Answer, AnyBooking, Applied, BookingRequest, BookingState, Change, HeldSeats, Order, Outcome, Refusal, RefusalReason,
        SeatChoice, SectionPlan,
    },
};
use jiff::SignedDuration;

use super::{Moment, Rule, Verdict, hold, is_sold, owner, replay, tickets};
use crate::store::Store;

pub(super) fn check(before: &Store, request: &BookingRequest, applied: &Applied, moment: Moment<'_>) -> Verdict {
    let told = || format!("{request:?} came to {applied:?}");
    match before.answers.get(&(request.account, request.key.clone())) {
        Some((hash, outcome)) if *hash == request.payload_hash => return replay(request.booking, outcome, applied),
        Some(_) => return hold(Rule::OneOutcome, applied.answer == Answer::KeyReused && applied.changes.is_empty(), told),
        None => {}
    }
    let (outcome, key, hash) = match &applied.changes[..] {
        [Change::Held(made)] => {
            given(before, request, &made.order, moment)?;
            let order = made.order.clone();
            let held = HeldSeats { seats: order.seats, total: order.total, expires_at: order.hold_expires_at };
            (Outcome::Held { booking: order.id, held }, &made.key, made.payload_hash)
        }
        [Change::Refused(refused)] => {
            refusal_is_true(before, request, &refused.refusal, moment)?;
            let outcome = Outcome::Refused { booking: refused.booking, refusal: refused.refusal.clone() };
            (outcome, &refused.key, refused.payload_hash)
        }
        _ => return hold(Rule::Effect, false, told),
    };
    let stored = outcome.booking() == request.booking && *key == request.key && hash == request.payload_hash;
    hold(Rule::Effect, stored && applied.answer == Answer::Decided { decided: outcome, replayed: false }, told)
}

fn given(before: &Store, request: &BookingRequest, order: &Order, moment: Moment<'_>) -> Verdict {
    let told = || format!("{request:?} is given {order:?}");
    let terms = moment.terms;
    hold(Rule::Life, is_sold(moment) && terms.onsale_at <= moment.now, told)?;
    let whose = (order.id, order.event, order.section, order.account);
    hold(Rule::Effect, whose == (request.booking, request.event, request.section, request.account), told)?;

    let plan = moment.sections.iter().find(|section| section.no() == request.section).unwrap();
    let asked_for = match &request.choice {
        SeatChoice::Named(named) => order.seats == named.as_slice(),
        SeatChoice::BestAvailable(best) => {
            let fits = |seat: &SeatNo| best.category().is_none_or(|category| plan.category(*seat) == Some(category));
            order.seats.len() == usize::from(best.quantity()) && order.seats.iter().all(fits)
        }
    };
    hold(Rule::Effect, asked_for && order.seats.is_sorted_by(|a, b| a < b), told)?;
    hold(Rule::OneOwner, order.seats.iter().all(|seat| owner(before, *seat).is_none()), told)?;
    let had = tickets(before, request.account);
    hold(Rule::TicketLimit, had + order.seats.len() <= usize::try_from(terms.ticket_limit).unwrap(), told)?;

    let prices: Option<Vec<i64>> = order.seats.iter().map(|seat| terms.price(plan.category(*seat)?)).collect();
    let total = Money { amount_minor: order.prices.iter().sum(), currency: terms.currency };
    hold(Rule::Money, prices.as_ref() == Some(&order.prices) && order.total == total, told)?;
    let until = moment.now + SignedDuration::from_secs(terms.hold_seconds.into());
    hold(Rule::Life, order.hold_expires_at == until, told)
}

fn refusal_is_true(before: &Store, request: &BookingRequest, refusal: &Refusal, moment: Moment<'_>) -> Verdict {
    let terms = moment.terms;
    let published = terms.status == EventStatus::Published;
    let begun = moment.now >= terms.onsale_at;
    let sold = is_sold(moment) && begun;
    let within = tickets(before, request.account) + usize::try_from(request.choice.quantity()).unwrap()
        <= usize::try_from(terms.ticket_limit).unwrap();
    let plan = moment.sections.iter().find(|section| section.no() == request.section);
    let none = Refusal::from(refusal.reason) == *refusal;
    let is_true = match refusal.reason {
        RefusalReason::Closed => none && (terms.status == EventStatus::Closed || published && !is_sold(moment)),
        RefusalReason::NotOnSale => none && (terms.status == EventStatus::Draft || published && !begun && is_sold(moment)),
        RefusalReason::Invalid => sold && plan.is_none_or(|plan| !is_possible(&request.choice, plan)),
        RefusalReason::LimitReached => none && sold && !within,
        RefusalReason::Sold | RefusalReason::Held | RefusalReason::Yours | RefusalReason::NotTogether => {
            let Some(plan) = plan else { return hold(Rule::Truth, false, || format!("{refusal:?} of no section")) };
            match &request.choice {
                SeatChoice::Named(named) => sold && *refusal == in_the_way(before, request, named.as_slice(), refusal.reason),
                SeatChoice::BestAvailable(best) => {
                    let states: Vec<Option<BookingState>> = plan
                        .numbered()
                        .filter(|(_, of)| best.category().is_none_or(|category| category == *of))
                        .map(|(seat, _)| owner(before, seat).map(AnyBooking::state))
                        .collect();
                    let free = states.contains(&None);
                    let held = states.contains(&Some(BookingState::Held));
                    let why = match refusal.reason {
                        RefusalReason::NotTogether => free,
                        RefusalReason::Held => !free && held,
                        RefusalReason::Sold => !free && !held,
                        _ => false,
                    };
                    none && sold && within && why
                }
            }
        }
        RefusalReason::Cancelled | RefusalReason::Contended | RefusalReason::Failed => false,
    };
    hold(Rule::Truth, is_true, || format!("{request:?} was refused {refusal:?}"))
}

fn is_possible(choice: &SeatChoice, plan: &SectionPlan) -> bool {
    match choice {
        SeatChoice::Named(named) => named.as_slice().iter().all(|seat| plan.category(*seat).is_some()),
        SeatChoice::BestAvailable(best) => best.category().is_none_or(|category| plan.categories().contains(&category)),
    }
}

/// What must be told of these seats.
fn in_the_way(before: &Store, request: &BookingRequest, named: &[SeatNo], claimed: RefusalReason) -> Refusal {
    let seats: Vec<SeatNo> = named.iter().copied().filter(|seat| owner(before, *seat).is_some()).collect();
    let owners: Vec<_> = seats.iter().filter_map(|seat| owner(before, *seat)).collect();
    let (Some(first), true) = (owners.first(), !owners.is_empty()) else {
        // Nothing is in the way: whatever is claimed is a lie.
        return Refusal { seats: vec![SeatNo(u32::MAX)], ..claimed.into() };
    };
    if owners.iter().all(|booking| booking.order().account == request.account) {
        return Refusal { reason: RefusalReason::Yours, seats, until: None, yours: Some(first.order().id) };
    }
    if owners.iter().any(|booking| booking.state() == BookingState::Confirmed) {
        return Refusal { seats, ..RefusalReason::Sold.into() };
    }
    let until = owners.iter().map(|booking| booking.order().hold_expires_at).max();
    Refusal { reason: RefusalReason::Held, seats, until, yours: None }
}

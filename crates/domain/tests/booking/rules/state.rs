//! What holds between steps: the set knows exactly what is stored.

use std::collections::BTreeMap;

use goticket_domain::{
    AccountId, CategoryNo,
    booking::{BookingState, SeatCount, SeatState, WorkingSet},
    payment::PaymentState,
};

use super::{Moment, Rule, Verdict, hold, tickets};
use crate::store::Store;

/// `limit`: if it never changes.
pub(crate) fn state(set: &WorkingSet, store: &Store, accounts: &[AccountId], limit: Option<u32>, moment: Moment<'_>) -> Verdict {
    seats(set, store, moment)?;
    for &account in accounts {
        let count = tickets(store, account);
        let known = usize::try_from(set.tickets(account)).unwrap();
        hold(Rule::TicketLimit, known == count, || format!("{account} has {count} tickets, and is said to have {known}"))?;
        let within = limit.is_none_or(|limit| set.tickets(account) <= limit);
        hold(Rule::TicketLimit, within, || format!("{account} has {count} tickets of {limit:?}"))?;
    }
    payments(store)
}

fn seats(set: &WorkingSet, store: &Store, moment: Moment<'_>) -> Verdict {
    let mut counts: BTreeMap<CategoryNo, SeatCount> = BTreeMap::new();
    for (seat, category) in moment.sections.iter().flat_map(|section| section.numbered()) {
        let owners: Vec<_> = store
            .bookings
            .values()
            .filter(|booking| booking.state().is_live() && booking.order().seats.contains(&seat))
            .collect();
        hold(Rule::OneOwner, owners.len() <= 1, || format!("seat {seat} has {owners:?}"))?;
        let owner = owners.first().map(|booking| booking.order().id);
        let state = match owners.first().map(|booking| booking.state()) {
            None => SeatState::Free,
            Some(BookingState::Held) => SeatState::Held,
            Some(_) => SeatState::Sold,
        };
        let same = set.taken().owner(seat) == owner && set.taken().is_taken(seat) == owner.is_some() && set.state(seat) == state;
        hold(Rule::OneOwner, same && store.taken.get(&seat).copied() == owner, || {
            format!(
                "seat {seat} is {state:?} ({owner:?}), and is said to be {:?} ({:?})",
                set.state(seat),
                set.taken().owner(seat)
            )
        })?;
        let count = counts.entry(category).or_default();
        count.free += u32::from(state == SeatState::Free);
        count.held += u32::from(state == SeatState::Held);
    }
    hold(Rule::OneOwner, set.taken().len() == store.taken.len(), || format!("{} seats are taken", set.taken().len()))?;
    hold(Rule::Counts, set.counts().eq(counts.clone()), || {
        format!("{counts:?} said to be {:?}", set.counts().collect::<Vec<_>>())
    })
}

/// Every `Paid` belongs to a confirmed booking, which has exactly one.
fn payments(store: &Store) -> Verdict {
    for (id, booking) in &store.bookings {
        let paid =
            store.payments.values().filter(|payment| payment.booking == *id && payment.state == PaymentState::Paid).count();
        let expected = usize::from(booking.state() == BookingState::Confirmed);
        hold(Rule::Payments, paid == expected, || format!("{id} is {:?} and was paid {paid} times", booking.state()))?;
    }
    Ok(())
}

//! Payments: what a notice may do, and where the money is.

use std::collections::BTreeMap;

use goticket_domain::catalog::EventStatus;
use goticket_domain::{
    BookingId, Money, PaymentId,
    booking::{Answer, Applied, BookingState, Change, Command, PaymentNotice, PaymentResult, StoredPayment},
    payment::PaymentState,
};

use super::{Moment, Rule, Verdict, hold, is_sold, owner, tickets, unchanged, unknown};
use crate::store::Store;

pub(super) fn check(before: &Store, after: &Store, notice: &PaymentNotice, applied: &Applied, moment: Moment<'_>) -> Verdict {
    let told = || format!("{notice:?} came to {applied:?}");
    let payment = before.payments.get(&notice.payment);
    let payment = payment.filter(|payment| payment.booking == notice.booking && payment.provider == notice.provider);
    let (Some(payment), Some(state)) = (payment, before.state(notice.booking)) else { return unknown(applied) };
    if before.notices.contains(&(notice.provider.clone(), notice.notice_id.clone())) {
        return unchanged(applied, state);
    }
    let seen = Change::NoticeSeen { provider: notice.provider.clone(), id: notice.notice_id.clone() };
    hold(Rule::Effect, applied.changes.first() == Some(&seen), told)?;

    let confirms = may_be_confirmed(before, notice.booking, moment);
    let to = match (payment.state, notice.result) {
        (PaymentState::Open | PaymentState::Declined, PaymentResult::Paid) if notice.amount != payment.asked => {
            PaymentState::Review
        }
        (PaymentState::Open | PaymentState::Declined, PaymentResult::Paid) if confirms => PaymentState::Paid,
        (PaymentState::Open | PaymentState::Declined, PaymentResult::Paid) => PaymentState::RefundDue,
        (PaymentState::Open, PaymentResult::Declined) => PaymentState::Declined,
        (decided, _) => decided,
    };
    let stored = after.payments[&notice.payment].state;
    hold(Rule::Payments, stored == to, || format!("{to:?}, not {stored:?}: {}", told()))?;
    let told_amount = applied.changes.iter().all(|change| match change {
        Change::Payment(change) => change.amount == notice.amount && change.payment == notice.payment,
        _ => true,
    });
    hold(Rule::Payments, told_amount, told)?;

    let now_paid = to == PaymentState::Paid && payment.state != PaymentState::Paid;
    let confirmed = applied.changes.iter().any(
        |change| matches!(change, Change::Moved(moved) if moved.to == BookingState::Confirmed && moved.payment == Some(notice.payment)),
    );
    hold(Rule::Life, confirmed == now_paid, told)?;
    hold(Rule::Effect, after.state(notice.booking).is_some_and(|state| applied.answer == Answer::State { state }), told)
}

/// A live hold of an event that is sold at all; or one that ran out, while everything about it could still be given.
fn may_be_confirmed(before: &Store, id: BookingId, moment: Moment<'_>) -> bool {
    let booking = &before.bookings[&id];
    let order = booking.order();
    let live = moment.now < order.hold_expires_at;
    let published = moment.terms.status == EventStatus::Published;
    let free = order.seats.iter().all(|seat| owner(before, *seat).is_none_or(|owner| owner.order().id == id));
    let theirs = tickets(before, order.account) - if booking.state().is_live() { order.seats.len() } else { 0 };
    let within = theirs + order.seats.len() <= usize::try_from(moment.terms.ticket_limit).unwrap();
    match booking.state() {
        BookingState::Held if live => published,
        BookingState::Held | BookingState::Expired => is_sold(moment) && free && within,
        BookingState::Confirmed | BookingState::Cancelled | BookingState::Refunded => false,
    }
}

pub(super) fn check_refunded(before: &Store, payment: PaymentId, booking: BookingId, applied: &Applied) -> Verdict {
    let Some(state) = before.state(booking) else { return unknown(applied) };
    let due = before
        .payments
        .get(&payment)
        .is_some_and(|payment| payment.booking == booking && payment.state == PaymentState::RefundDue);
    if !due {
        return unchanged(applied, state);
    }
    let gone = matches!(&applied.changes[..], [Change::Payment(change)] if change.payment == payment && change.to == PaymentState::Refunded);
    hold(Rule::Payments, gone && applied.answer == Answer::State { state }, || format!("not gone back: {applied:?}"))
}

/// What fans have paid, as the provider knows it: the first notice that says so about a payment that was made.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Till(pub(crate) BTreeMap<PaymentId, Money>);

impl Till {
    /// Before `command` is written.
    pub(crate) fn take(&mut self, store: &Store, command: &Command) {
        if let Command::Pay { notice } = command
            && notice.result == PaymentResult::Paid
            && let Some(payment) = store.payments.get(&notice.payment)
            && (payment.booking, &payment.provider) == (notice.booking, &notice.provider)
            && !store.notices.contains(&(notice.provider.clone(), notice.notice_id.clone()))
        {
            self.0.entry(notice.payment).or_insert(notice.amount);
        }
    }

    /// Money in = money of confirmed bookings + money that is due back, has gone back, or is looked at.
    pub(crate) fn check(&self, store: &Store) -> Verdict {
        let total_in: i64 = self.0.values().map(|money| money.amount_minor).sum();
        let confirmed = store.bookings.values().filter(|booking| booking.state() == BookingState::Confirmed);
        let sold: i64 = confirmed.map(|booking| booking.order().total.amount_minor).sum();
        let aside = |id: &PaymentId| {
            let state = store.payments.get(id).map(|payment| payment.state);
            matches!(state, Some(PaymentState::RefundDue | PaymentState::Refunded | PaymentState::Review))
        };
        let put_aside: i64 = self.0.iter().filter(|(id, _)| aside(id)).map(|(_, money)| money.amount_minor).sum();
        hold(Rule::Money, total_in == sold + put_aside, || format!("{total_in} came in: {sold} sold, {put_aside} put aside"))
    }

    /// Nothing more will happen: no hold is left, and no money still waits to go back.
    pub(crate) fn close(&self, store: &Store) -> Verdict {
        self.check(store)?;
        let waits = |payment: &StoredPayment| payment.state == PaymentState::RefundDue;
        hold(Rule::Money, !store.payments.values().any(waits), || "money still waits to go back".to_owned())?;
        let held = store.bookings.values().any(|booking| booking.state() == BookingState::Held);
        hold(Rule::Life, !held, || "a hold is left".to_owned())
    }
}

//! A payment provider has decided, or given money back.

use jiff::Timestamp;

use super::{StoredPayment, WorkingSet, quantity};
use crate::{
    BookingId, PaymentId,
    booking::{Answer, AnyBooking, Booking, Change, Confirmed, Expired, PaymentChange, PaymentNotice, PaymentResult},
    catalog::EventStatus,
    payment::PaymentState,
};

impl WorkingSet {
    /// Gives a notice its one effect.
    pub(super) fn pay(&mut self, notice: &PaymentNotice, now: Timestamp, changes: &mut Vec<Change>) -> Answer {
        let payment = match self.payments.get(&notice.payment) {
            Some(stored) => stored.clone(),
            // Whoever took the notice has read the attempt: open, or the writing finds that it is not.
            None => Some(StoredPayment {
                booking: notice.booking,
                provider: notice.provider.clone(),
                asked: notice.asked,
                state: PaymentState::Open,
            }),
        };
        let known = payment.filter(|payment| payment.booking == notice.booking && payment.provider == notice.provider);
        let (Some(payment), Some(booking)) = (known, self.bookings.get(&notice.booking)) else { return Answer::Unknown };
        let before = booking.state();
        let id = (notice.provider.clone(), notice.notice_id.clone());
        if self.seen.insert(id) {
            let (provider, id) = (notice.provider.clone(), notice.notice_id.clone());
            changes.push(Change::NoticeSeen { provider, id });
            self.take_notice(notice, payment, now, changes);
        }
        Answer::State { state: self.bookings.get(&notice.booking).map_or(before, AnyBooking::state) }
    }

    fn take_notice(&mut self, notice: &PaymentNotice, payment: StoredPayment, now: Timestamp, changes: &mut Vec<Change>) {
        match (payment.state, notice.result) {
            // A declined attempt may be paid after all: the provider's page lets the fan try another card.
            (PaymentState::Open | PaymentState::Declined, PaymentResult::Paid) if notice.amount != payment.asked => {
                self.change_payment(notice, payment, PaymentState::Review, changes);
            }
            (PaymentState::Open | PaymentState::Declined, PaymentResult::Paid) => self.paid(notice, payment, now, changes),
            (PaymentState::Open, PaymentResult::Declined) => {
                self.change_payment(notice, payment, PaymentState::Declined, changes);
            }
            // The money's way is decided; another notice about it changes nothing.
            _ => {}
        }
    }

    /// The money is here, and it is as much as was asked for. What cannot be confirmed goes back.
    fn paid(&mut self, notice: &PaymentNotice, payment: StoredPayment, now: Timestamp, changes: &mut Vec<Change>) {
        self.expire_if_due(notice.booking, now, changes);
        let Some(booking) = self.leave(notice.booking) else { return };
        let before = booking.state();
        let confirmed = match booking {
            // Closed or cancelled: nothing is sold, not even what is held.
            unsold if self.terms.status != EventStatus::Published => Err(unsold),
            AnyBooking::Held(held) => held.confirm(now).map_err(|(held, _)| AnyBooking::Held(held)),
            AnyBooking::Expired(expired) => self.confirm_late(expired, now).map_err(AnyBooking::Expired),
            // Paid for by another payment, or given back: that is not taken back.
            other => Err(other),
        };
        match confirmed {
            Ok(confirmed) => {
                self.change_payment(notice, payment, PaymentState::Paid, changes);
                self.moved(before, AnyBooking::Confirmed(confirmed), Some(notice.payment), changes);
            }
            Err(booking) => {
                self.enter(booking);
                self.change_payment(notice, payment, PaymentState::RefundDue, changes);
            }
        }
    }

    /// Paid after the hold had ended: the same seats, while the event has not started, if no one has any of them by now and the account
    /// may still have so many.
    fn confirm_late(&self, expired: Booking<Expired>, now: Timestamp) -> Result<Booking<Confirmed>, Booking<Expired>> {
        let order = expired.order();
        let within_limit = self.tickets(order.account).saturating_add(quantity(&order.seats)) <= self.terms.ticket_limit;
        let free = order.seats.iter().all(|seat| !self.taken.is_taken(*seat));
        if now < self.terms.starts_at && within_limit && free { Ok(expired.confirm_late()) } else { Err(expired) }
    }

    fn change_payment(&mut self, notice: &PaymentNotice, payment: StoredPayment, to: PaymentState, changes: &mut Vec<Change>) {
        let StoredPayment { booking, provider, asked, state: from } = payment.clone();
        let change = PaymentChange { payment: notice.payment, booking, provider, asked, amount: notice.amount, from, to };
        changes.push(Change::Payment(change));
        self.payments.insert(notice.payment, Some(StoredPayment { state: to, ..payment }));
    }

    /// The provider has given a payment back. Only what was due to go back is noted.
    pub(super) fn refunded(&mut self, id: PaymentId, booking: BookingId, changes: &mut Vec<Change>) -> Answer {
        let Some(state) = self.bookings.get(&booking).map(AnyBooking::state) else { return Answer::Unknown };
        let due = self.payments.get(&id).cloned().flatten();
        let due = due.filter(|payment| payment.booking == booking && payment.state == PaymentState::RefundDue);
        if let Some(StoredPayment { booking, provider, asked, state: from }) = due {
            let to = PaymentState::Refunded;
            let payment = StoredPayment { booking, provider: provider.clone(), asked, state: to };
            self.payments.insert(id, Some(payment));
            changes.push(Change::Payment(PaymentChange { payment: id, booking, provider, asked, amount: asked, from, to }));
        }
        Answer::State { state }
    }
}

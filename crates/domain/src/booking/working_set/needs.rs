//! What a working set must be told before it can decide, because it only knows what is live and what is recent.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{StoredPayment, WorkingSet};
use crate::{
    AccountId, BookingId, PaymentId,
    booking::{AnyBooking, Command, IdempotencyKey, Outcome, PayloadHash},
};

/// To be looked up in the database.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Needs {
    /// Bookings with their state, see [`WorkingSet::learn_booking`].
    pub bookings: BTreeSet<BookingId>,
    /// Payments, see [`WorkingSet::learn_payment`].
    pub payments: BTreeSet<PaymentId>,
    /// Keys with their answers, see [`WorkingSet::learn_answer`].
    pub keys: BTreeSet<(AccountId, IdempotencyKey)>,
    /// Notices (provider, id), see [`WorkingSet::learn_notice`].
    pub notices: BTreeSet<(String, String)>,
}

impl Needs {
    /// Nothing is to be looked up.
    pub fn is_empty(&self) -> bool {
        self.bookings.is_empty() && self.payments.is_empty() && self.keys.is_empty() && self.notices.is_empty()
    }
}

impl WorkingSet {
    /// Adds what must be looked up before this command is decided. `careful`: it may have been decided before (it was delivered
    /// before, or a constraint said so), so nothing is taken on trust.
    pub fn needs(&self, command: &Command, now: Timestamp, careful: bool, needs: &mut Needs) {
        match command {
            Command::Create { request } => {
                // A request whose booking is here was decided, though its answer is forgotten.
                let decided = self.bookings.contains_key(&request.booking);
                if (careful || decided) && !self.answers.knows(request.account, &request.key) {
                    needs.keys.insert((request.account, request.key.clone()));
                }
            }
            Command::Pay { notice } => {
                self.need_booking(notice.booking, needs);
                if careful {
                    needs.payments.insert(notice.payment);
                    needs.notices.insert((notice.provider.clone(), notice.notice_id.clone()));
                }
            }
            Command::Cancel { booking, account, undecided } => {
                self.need_booking(*booking, needs);
                if let Some(request) = undecided
                    && !self.answers.knows(*account, &request.key)
                {
                    needs.keys.insert((*account, request.key.clone()));
                }
            }
            Command::Expire { booking } => {
                // Whoever sent this saw a deadline that has passed: ours is not the stored one.
                let differs =
                    matches!(self.bookings.get(booking), Some(AnyBooking::Held(held)) if now < held.order().hold_expires_at);
                if differs {
                    needs.bookings.insert(*booking);
                }
                self.need_booking(*booking, needs);
            }
            Command::Refunded { payment, booking } => {
                self.need_booking(*booking, needs);
                needs.payments.insert(*payment);
            }
        }
    }

    fn need_booking(&self, booking: BookingId, needs: &mut Needs) {
        if !self.bookings.contains_key(&booking) {
            needs.bookings.insert(booking);
        }
    }

    /// A booking of this event as it is stored.
    pub fn learn_booking(&mut self, booking: AnyBooking) {
        self.leave(booking.order().id);
        self.enter(booking);
    }

    /// A payment as it is stored; none if there is no such payment.
    pub fn learn_payment(&mut self, id: PaymentId, payment: Option<StoredPayment>) {
        self.payments.insert(id, payment);
    }

    /// What is stored under a key.
    pub fn learn_answer(&mut self, account: AccountId, key: IdempotencyKey, hash: PayloadHash, outcome: Outcome) {
        self.answers.remember(account, key, hash, outcome);
    }

    /// A notice that has had its effect.
    pub fn learn_notice(&mut self, provider: String, id: String) {
        self.seen.insert((provider, id));
    }
}

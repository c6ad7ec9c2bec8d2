//! The decision core, and broken ones: a search that cannot tell them from it has seen too little.

use std::sync::Arc;

use goticket_domain::catalog::EventStatus;
use goticket_domain::{
    booking::{
        AnyBooking, Applied, BookingRequest, BookingState, Change, Command, Needs, PaymentResult, RefusalReason, RefusedRequest,
        SeatChoice, SectionPlan, Terms, WorkingSet,
    },
    payment::PaymentState,
};
use jiff::{SignedDuration, Timestamp};

use crate::store::Store;

#[derive(Clone)]
pub(super) struct Core {
    pub(super) set: WorkingSet,
    pub(super) sabotage: Option<Sabotage>,
    terms: Terms,
}

/// What is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sabotage {
    /// A payment confirms what its fan gave back.
    RevivesCancelled,
    /// A named seat is given although it is taken.
    GivesTakenSeats,
    /// A key is decided as often as it comes.
    ForgetsKeys,
    /// A cancellation that overtakes its request is lost.
    ForgetsOvertaking,
    /// A hold is confirmed although its event was closed.
    ConfirmsWhenClosed,
    /// Tickets are not counted.
    IgnoresTheLimit,
    /// A hold is confirmed after its deadline as if it were live.
    ConfirmsOverdue,
    /// Every payment for a confirmed booking is kept.
    PaidTwice,
    /// Money that cannot buy anything is not given back.
    KeepsMoney,
    /// Any amount will do.
    AcceptsAnyAmount,
    /// Anybody may give a booking back.
    CancelsAnyones,
    /// A hold ends when somebody says so.
    ExpiresEarly,
    /// The first of several changes is not taken back.
    TakesBackInPart,
    /// A process that has just begun looks nothing up.
    NeedsNothing,
}

impl Core {
    pub(super) fn load(store: &Store, terms: Terms, sections: &[Arc<SectionPlan>], sabotage: Option<Sabotage>) -> Self {
        let mut core = Self { set: store.load(terms.clone(), sections), sabotage, terms: terms.clone() };
        core.set_terms(terms);
        core
    }

    pub(super) fn set_terms(&mut self, terms: Terms) {
        self.terms = terms.clone();
        self.set.set_terms(match self.sabotage {
            Some(Sabotage::IgnoresTheLimit) => Terms { ticket_limit: u32::MAX, ..terms },
            _ => terms,
        });
    }

    pub(super) fn needs(&self, command: &Command, now: Timestamp) -> Needs {
        let mut needs = Needs::default();
        if self.sabotage != Some(Sabotage::NeedsNothing) {
            self.set.needs(command, now, true, &mut needs);
        }
        needs
    }

    pub(super) fn take_back(&mut self, changes: &[Change]) {
        let skip = usize::from(self.sabotage == Some(Sabotage::TakesBackInPart) && changes.len() > 1);
        self.set.take_back(&changes[skip..]);
    }

    pub(super) fn apply(&mut self, command: &Command, now: Timestamp) -> Applied {
        let Some(sabotage) = self.sabotage else { return self.set.apply(command, now) };
        let mut command = command.clone();
        match (sabotage, &mut command) {
            (Sabotage::RevivesCancelled, Command::Pay { notice }) if notice.result == PaymentResult::Paid => {
                self.pay_reviving(&command, now)
            }
            (Sabotage::GivesTakenSeats, Command::Create { request }) => {
                let request = request.clone();
                self.create_giving(&request, now)
            }
            (Sabotage::ConfirmsWhenClosed, Command::Pay { .. }) => {
                self.set.set_terms(Terms { status: EventStatus::Published, ..self.terms.clone() });
                let applied = self.set.apply(&command, now);
                self.set.set_terms(self.terms.clone());
                applied
            }
            (Sabotage::ForgetsKeys, Command::Create { request }) => {
                let BookingRequest { booking, event, section, account, payload_hash, .. } = *request;
                let (key, refusal) = (request.key.clone(), RefusalReason::Failed.into());
                let refused = RefusedRequest { booking, event, section, account, key, payload_hash, refusal };
                self.set.take_back(&[Change::Refused(refused)]);
                self.set.apply(&command, now)
            }
            (Sabotage::ForgetsOvertaking, Command::Cancel { undecided, .. }) => {
                *undecided = None;
                self.set.apply(&command, now)
            }
            (Sabotage::CancelsAnyones, Command::Cancel { booking, account, .. }) => {
                *account = self.set.booking(*booking).map_or(*account, |booking| booking.order().account);
                self.set.apply(&command, now)
            }
            (Sabotage::AcceptsAnyAmount, Command::Pay { notice }) => {
                notice.amount = notice.asked;
                self.set.apply(&command, now)
            }
            (Sabotage::ConfirmsOverdue, Command::Pay { .. }) => self.set.apply(&command, now - AN_HOUR),
            (Sabotage::ExpiresEarly, Command::Expire { .. }) => self.set.apply(&command, now + AN_HOUR),
            (Sabotage::PaidTwice | Sabotage::KeepsMoney, _) => {
                let mut applied = self.set.apply(&command, now);
                applied.changes.retain_mut(|change| match change {
                    Change::Payment(payment) if payment.to == PaymentState::RefundDue => {
                        payment.to = PaymentState::Paid;
                        sabotage == Sabotage::PaidTwice
                    }
                    _ => true,
                });
                applied
            }
            _ => self.set.apply(&command, now),
        }
    }

    fn pay_reviving(&mut self, command: &Command, now: Timestamp) -> Applied {
        let Some(AnyBooking::Cancelled(cancelled)) = self.set.booking(command.booking()) else {
            return self.set.apply(command, now);
        };
        let cancelled = AnyBooking::Cancelled(cancelled.clone());
        self.set.learn_booking(AnyBooking::restore(cancelled.order().clone(), BookingState::Expired));
        let mut applied = self.set.apply(command, now);
        match applied.changes.iter_mut().find_map(|change| if let Change::Moved(moved) = change { Some(moved) } else { None }) {
            Some(moved) => moved.from = BookingState::Cancelled,
            None => self.set.learn_booking(cancelled),
        }
        applied
    }

    fn create_giving(&mut self, request: &BookingRequest, now: Timestamp) -> Applied {
        let create = Command::Create { request: request.clone() };
        let SeatChoice::Named(named) = &request.choice else { return self.set.apply(&create, now) };
        let owner = named.as_slice().iter().find_map(|seat| self.set.taken().owner(*seat));
        let owner = owner.and_then(|owner| self.set.booking(owner)).cloned();
        let Some(owner) = owner.filter(|owner| owner.order().account != request.account) else {
            return self.set.apply(&create, now);
        };
        self.set.learn_booking(AnyBooking::restore(owner.order().clone(), BookingState::Expired));
        let applied = self.set.apply(&create, now);
        if !matches!(&applied.changes[..], [Change::Held(_)]) {
            self.set.learn_booking(owner);
        }
        applied
    }
}

const AN_HOUR: SignedDuration = SignedDuration::from_hours(1);

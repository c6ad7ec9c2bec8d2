//! One state of the small sale: what is stored, what time it is, whether the event was closed, and where the money is.

use goticket_domain::catalog::EventStatus;
use goticket_domain::{
    SeatNo,
    booking::{AnyBooking, Change, Command, Outcome, Terms},
};
use jiff::Timestamp;

use super::scenes::{PROVIDER, Scene};
use crate::{
    hall::at,
    rules::{Moment, Till},
    store::Store,
};

/// Seconds of one tick.
pub(super) const TICK: i64 = 10;

#[derive(Clone, Default)]
pub(super) struct World {
    pub(super) store: Store,
    pub(super) till: Till,
    tick: i64,
    closed: bool,
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Move {
    /// One of the scene's commands is decided.
    Command(usize),
    /// A tick passes.
    Wait,
    /// The organizer closes the event.
    Close,
}

impl World {
    pub(super) fn now(&self) -> Timestamp {
        at(self.tick * TICK)
    }

    pub(super) fn terms(&self, scene: &Scene) -> Terms {
        let status = if self.closed { EventStatus::Closed } else { EventStatus::Published };
        Terms { status, ..scene.terms.clone() }
    }

    pub(super) fn moment<'a>(&self, scene: &'a Scene, terms: &'a Terms) -> Moment<'a> {
        Moment { now: self.now(), terms, sections: &scene.sections }
    }

    /// Time passes no further.
    pub(super) fn is_last(&self, scene: &Scene) -> bool {
        self.tick == scene.last_tick
    }

    /// `command` was decided, and this is what is stored then.
    pub(super) fn after(&self, scene: &Scene, command: &Command, mut store: Store) -> Self {
        let mut till = self.till.clone();
        till.take(&self.store, command);
        // Whoever holds seats opens all their payment pages at once.
        if store.bookings.len() > self.store.bookings.len() {
            for (payment, _) in scene.payments.iter().filter(|(_, booking)| *booking == command.booking()) {
                store.open_payment(*payment, command.booking(), PROVIDER);
            }
        }
        Self { store, till, ..*self }
    }

    /// Time or the organizer moves on; none if not any further.
    pub(super) fn moved(&self, scene: &Scene, by: Move) -> Option<Self> {
        match by {
            Move::Wait if !self.is_last(scene) => Some(Self { tick: self.tick + 1, ..self.clone() }),
            Move::Close if !self.closed => Some(Self { closed: true, ..self.clone() }),
            _ => None,
        }
    }

    /// Everything that tells this state from others, shortly.
    pub(super) fn key(&self, scene: &Scene) -> Vec<u8> {
        let mut key = vec![u8::try_from(self.tick).unwrap(), u8::from(self.closed)];
        let tick = |time: Timestamp| u8::try_from((time.as_second() - at(0).as_second()) / TICK).unwrap();
        let seat = |key: &mut Vec<u8>, seats: &[SeatNo]| {
            key.push(u8::try_from(seats.len()).unwrap());
            key.extend(seats.iter().map(|seat| u8::try_from(seat.0).unwrap()));
        };
        for (asked, (hash, outcome)) in &self.store.answers {
            key.extend(asked.1.as_str().as_bytes());
            key.extend(&asked.0.0.as_bytes()[15..]);
            key.extend(&hash.0[..4]);
            key.extend(&outcome.booking().0.as_bytes()[15..]);
            match outcome {
                Outcome::Held { held, .. } => {
                    seat(&mut key, &held.seats);
                    key.push(tick(held.expires_at));
                    let state = self.store.bookings.get(&outcome.booking()).map(AnyBooking::state);
                    key.extend(state.map(|state| state as u8));
                }
                Outcome::Refused { refusal, .. } => {
                    seat(&mut key, &refusal.seats);
                    key.push(100 + refusal.reason as u8);
                    key.extend(refusal.until.map(tick));
                    key.extend(refusal.yours.iter().flat_map(|booking| &booking.0.as_bytes()[15..]));
                }
            }
        }
        for (payment, _) in &scene.payments {
            key.push(self.store.payments.get(payment).map_or(u8::MAX, |payment| payment.state as u8));
            key.push(self.till.0.get(payment).map_or(u8::MAX, |paid| u8::try_from(paid.amount_minor % 251).unwrap()));
        }
        key.extend(self.store.notices.iter().flat_map(|(_, id)| id.as_bytes()));
        key
    }
}

/// What changed, in a word.
pub(super) fn effect(changes: &[Change]) -> String {
    let words = changes.iter().filter_map(|change| match change {
        Change::Held(_) => Some("held".to_owned()),
        Change::Refused(refused) => Some(format!("refused {}", refused.refusal.reason.as_str())),
        Change::Moved(moved) => Some(format!("{} to {}", moved.from.as_str(), moved.to.as_str())),
        Change::Payment(change) => Some(format!("{} to {}", change.from.as_str(), change.to.as_str())),
        Change::NoticeSeen { .. } => None,
    });
    let words: Vec<String> = words.collect();
    if words.is_empty() { "notice without effect".to_owned() } else { words.join(", ") }
}

//! What a fan wants and how they behave: drawn from the fan's own random stream.

use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::stage::Event;

/// Seats that many want and few keep: the first so many of a section.
const HOT_SEATS: u32 = 12;

/// What a fan does with the seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temper {
    Pays,
    /// Opens two payments at once, posts the card twice, and the provider tells it three times.
    PaysTwice,
    /// With a second card, after the first was declined.
    PaysAfterDecline,
    /// The provider tells it after the hold has ended.
    PaysLate,
    /// The provider never tells it.
    PaysUntold,
    Cancels,
    /// Both at once.
    CancelsWhilePaying,
    WalksAway,
}

/// How a fan asks for seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// And waits for the outcome.
    Waits,
    /// Takes "accepted" for an answer and looks again later.
    LooksLater,
    /// Hangs up after so many milliseconds, and asks again with the same key.
    HangsUp(u64),
    /// So many times at once with the same key, at all gateways.
    AtOnce(usize),
}

pub(crate) fn temper(rng: &mut StdRng) -> Temper {
    match rng.random_range(0..100) {
        0..22 => Temper::Pays,
        22..28 => Temper::PaysTwice,
        28..33 => Temper::PaysAfterDecline,
        33..39 => Temper::PaysLate,
        39..43 => Temper::PaysUntold,
        43..49 => Temper::CancelsWhilePaying,
        49..57 => Temper::WalksAway,
        _ => Temper::Cancels,
    }
}

pub(crate) fn manner(rng: &mut StdRng) -> Manner {
    match rng.random_range(0..100) {
        0..15 => Manner::LooksLater,
        15..30 => Manner::HangsUp(rng.random_range(5..300)),
        30..45 => Manner::AtOnce(rng.random_range(2..=4)),
        _ => Manner::Waits,
    }
}

/// Named seats side by side, or the best of a section. Who will not keep them asks for those that everybody wants.
pub(crate) fn choice(rng: &mut StdRng, event: &Event, temper: Temper) -> Value {
    let section = &event.sections[rng.random_range(0..event.sections.len())];
    let quantity = [1, 1, 2, 2, 2, 3][rng.random_range(0..6)];
    let keeps = !matches!(temper, Temper::Cancels | Temper::WalksAway);
    let hot = rng.random_bool(if keeps { 0.03 } else { 0.7 });
    if !hot && rng.random_bool(0.5) {
        return json!({ "section": section.no, "quantity": quantity });
    }
    let seats = if hot { HOT_SEATS.min(section.seat_count) } else { section.seat_count };
    let first = section.first_seat + rng.random_range(0..=seats.saturating_sub(quantity));
    json!({ "seats": (first..first + quantity).collect::<Vec<u32>>() })
}

//! The wire formats, as they stand: a change here is a change for every consumer.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod commands;
mod events;
mod health;
mod queue_events;
mod replies;
mod tasks;
mod topology;

use std::fmt::Debug;

use goticket_domain::{AccountId, BookingId, EventId, Money, PaymentId, SeatNo, SectionNo};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

const EVENT: EventId = EventId(Uuid::from_u128(1));
const BOOKING: BookingId = BookingId(Uuid::from_u128(2));
const SECTION: SectionNo = SectionNo(3);
const ACCOUNT: AccountId = AccountId(Uuid::from_u128(4));
const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(5));
const EPOCH: Timestamp = Timestamp::UNIX_EPOCH;

fn euros(amount_minor: i64) -> Money {
    Money { amount_minor, currency: "EUR".parse().unwrap() }
}

fn seats(numbers: &[u32]) -> Vec<SeatNo> {
    numbers.iter().copied().map(SeatNo).collect()
}

/// Writes the ids out: `#2` is the UUID that ends in 2.
fn written_out(golden: &str) -> String {
    (1..=9).fold(golden.to_owned(), |text, n| text.replace(&format!("#{n}"), &Uuid::from_u128(n).to_string()))
}

/// It is written as the golden line says, and read back from it.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, golden: &str) {
    let golden = written_out(golden);
    assert_eq!(serde_json::to_string(value).unwrap(), golden);
    assert_eq!(&serde_json::from_str::<T>(&golden).unwrap(), value);
}

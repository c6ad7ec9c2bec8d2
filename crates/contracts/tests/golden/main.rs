//! The wire formats, as they stand: a change here is a change for every consumer.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use goticket_contracts::commands::{Action, Command};
use goticket_contracts::events::{BookingFact, DomainEvent};
use goticket_contracts::replies::{Reply, ReplyResult};
use goticket_domain::booking::{BookingRequest, HeldSeats, IdempotencyKey, Outcome, RefusalReason, SeatChoice};
use goticket_domain::{AccountId, BookingId, EventId, Money};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn euros(amount_minor: i64) -> Money {
    Money { amount_minor, currency: "EUR".parse().unwrap() }
}

fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T, golden: &str) {
    let written = serde_json::to_string(value).unwrap();
    assert_eq!(written, golden);
    assert_eq!(&serde_json::from_str::<T>(golden).unwrap(), value);
}

#[test]
fn a_create_command() {
    let choice = SeatChoice::named(vec![8, 7]).unwrap();
    let event = EventId(id(1));
    let request = BookingRequest {
        booking: BookingId(id(2)),
        event,
        section: 3,
        account: AccountId(id(4)),
        key: IdempotencyKey::parse("k-1").unwrap(),
        payload_hash: BookingRequest::hash(event, 3, &choice),
        choice,
    };
    let command = Command { event, section: 3, reply_to: Some("gw".into()), action: Action::Create { request } };
    check(
        &command,
        concat!(
            r#"{"event":"00000000-0000-0000-0000-000000000001","section":3,"reply_to":"gw","action":"create","#,
            r#""request":{"booking":"00000000-0000-0000-0000-000000000002","event":"00000000-0000-0000-0000-000000000001","#,
            r#""section":3,"account":"00000000-0000-0000-0000-000000000004","key":"k-1","#,
            r#""payload_hash":"HASH","choice":{"mode":"named","seats":[7,8]}}}"#
        )
        .replace("HASH", &String::from(BookingRequest::hash(event, 3, &SeatChoice::named(vec![7, 8]).unwrap())))
        .as_str(),
    );
}

#[test]
fn replies() {
    let held = HeldSeats { seats: vec![7], total: euros(1_250), expires_at: Timestamp::UNIX_EPOCH };
    let booking = BookingId(id(2));
    let decided = Outcome::Held { booking, held };
    check(
        &Reply { waiter: booking, result: ReplyResult::Decided { decided, replayed: false } },
        concat!(
            r#"{"waiter":"00000000-0000-0000-0000-000000000002","result":{"result":"decided","decided":{"outcome":"held","#,
            r#""booking":"00000000-0000-0000-0000-000000000002","seats":[7],"total":{"amount_minor":1250,"currency":"EUR"},"#,
            r#""expires_at":"1970-01-01T00:00:00Z"},"replayed":false}}"#
        ),
    );
    check(
        &Reply { waiter: booking, result: ReplyResult::KeyReused },
        r#"{"waiter":"00000000-0000-0000-0000-000000000002","result":{"result":"key_reused"}}"#,
    );
}

#[test]
fn a_domain_event_is_a_cloud_event() {
    let fact = BookingFact::BookingRefused {
        booking: BookingId(id(2)),
        account: AccountId(id(4)),
        section: 3,
        reason: RefusalReason::Sold,
    };
    let event = DomainEvent { id: id(9), ..DomainEvent::new(EventId(id(1)), Timestamp::UNIX_EPOCH, fact) };
    check(
        &event,
        concat!(
            r#"{"specversion":"1.0","id":"00000000-0000-0000-0000-000000000009","source":"/goticket/bookings","#,
            r#""time":"1970-01-01T00:00:00Z","subject":"00000000-0000-0000-0000-000000000001","#,
            r#""datacontenttype":"application/json","type":"goticket.BookingRefused","#,
            r#""data":{"booking":"00000000-0000-0000-0000-000000000002","account":"00000000-0000-0000-0000-000000000004","#,
            r#""section":3,"reason":"sold"}}"#
        ),
    );
}

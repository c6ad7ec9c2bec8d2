//! Domain events on Kafka: one for each change of the decision core.

use goticket_contracts::events::{BookingFact, DomainEvent};
use goticket_domain::booking::{
    BookingState, Change, IdempotencyKey, NewBooking, Order, PayloadHash, PaymentChange, RefusalReason, RefusedRequest,
    Transition,
};
use goticket_domain::payment::PaymentState;
use uuid::Uuid;

use crate::{ACCOUNT, BOOKING, EPOCH, EVENT, PAYMENT, SECTION, check, euros, seats, written_out};

fn key() -> IdempotencyKey {
    IdempotencyKey::parse("k-1").unwrap()
}

fn moved(from: BookingState, to: BookingState) -> Transition {
    let payment = (to == BookingState::Confirmed).then_some(PAYMENT);
    Transition { booking: BOOKING, account: ACCOUNT, seats: seats(&[7, 8]), from, to, payment }
}

fn paid(to: PaymentState) -> Change {
    let (asked, amount) = (euros(2_500), euros(2_400));
    Change::Payment(PaymentChange {
        payment: PAYMENT,
        booking: BOOKING,
        provider: "sandbox".into(),
        asked,
        amount,
        from: PaymentState::Open,
        to,
    })
}

/// What is told of a change.
#[track_caller]
fn told(change: &Change, type_name: &str, data: &str) {
    let fact = BookingFact::of(change).unwrap_or_else(|| panic!("nothing is told of {change:?}"));
    assert_eq!((fact.type_name(), fact.booking()), (type_name, BOOKING));
    check(&fact, &format!(r#"{{"type":"{type_name}","data":{data}}}"#));
}

#[test]
fn booking_created() {
    let order = Order {
        id: BOOKING,
        event: EVENT,
        section: SECTION,
        account: ACCOUNT,
        seats: seats(&[7, 8]),
        prices: vec![1_250, 1_250],
        total: euros(2_500),
        hold_expires_at: EPOCH,
    };
    told(
        &Change::Held(NewBooking { order, key: key(), payload_hash: PayloadHash([0; 32]) }),
        "goticket.BookingCreated",
        concat!(
            r##"{"booking":"#2","account":"#4","section":3,"seats":[7,8],"total":{"amount_minor":2500,"currency":"EUR"},"##,
            r##""expires_at":"1970-01-01T00:00:00Z"}"##
        ),
    );
}

#[test]
fn booking_refused() {
    let refused = RefusedRequest {
        booking: BOOKING,
        event: EVENT,
        section: SECTION,
        account: ACCOUNT,
        key: key(),
        payload_hash: PayloadHash([0; 32]),
        refusal: RefusalReason::Sold.into(),
    };
    told(
        &Change::Refused(refused),
        "goticket.BookingRefused",
        r##"{"booking":"#2","account":"#4","section":3,"reason":"sold"}"##,
    );
}

#[test]
fn booking_confirmed() {
    for from in [BookingState::Held, BookingState::Expired] {
        told(
            &Change::Moved(moved(from, BookingState::Confirmed)),
            "goticket.BookingConfirmed",
            r##"{"booking":"#2","account":"#4","payment":"#5","seats":[7,8]}"##,
        );
    }
}

#[test]
fn booking_expired_cancelled_refunded() {
    for (from, to, type_name) in [
        (BookingState::Held, BookingState::Expired, "goticket.BookingExpired"),
        (BookingState::Held, BookingState::Cancelled, "goticket.BookingCancelled"),
        (BookingState::Confirmed, BookingState::Refunded, "goticket.BookingRefunded"),
    ] {
        told(&Change::Moved(moved(from, to)), type_name, r##"{"booking":"#2","seats":[7,8]}"##);
    }
}

#[test]
fn payment_processed() {
    for (state, name) in [
        (PaymentState::Open, "open"),
        (PaymentState::Paid, "paid"),
        (PaymentState::Declined, "declined"),
        (PaymentState::RefundDue, "refund_due"),
        (PaymentState::Refunded, "refunded"),
        (PaymentState::Review, "review"),
    ] {
        let data = r##"{"booking":"#2","payment":"#5","state":"STATE","amount":{"amount_minor":2400,"currency":"EUR"}}"##;
        told(&paid(state), "goticket.PaymentProcessed", &data.replace("STATE", name));
    }
}

#[test]
fn a_notice_that_was_seen_is_nobodys_business() {
    assert_eq!(BookingFact::of(&Change::NoticeSeen { provider: "sandbox".into(), id: "evt_1".into() }), None);
}

/// The core never makes these: a confirmation names its payment, and nothing becomes held again.
#[test]
fn what_cannot_happen_is_not_told() {
    let unpaid = Transition { payment: None, ..moved(BookingState::Held, BookingState::Confirmed) };
    for change in [unpaid, moved(BookingState::Expired, BookingState::Held)] {
        assert_eq!(BookingFact::of(&Change::Moved(change)), None);
    }
}

#[test]
fn a_domain_event_is_a_cloud_event() {
    let fact = BookingFact::BookingRefused { booking: BOOKING, account: ACCOUNT, section: SECTION, reason: RefusalReason::Sold };
    let event = DomainEvent { id: Uuid::from_u128(9), ..DomainEvent::new(EVENT, EPOCH, fact) };
    let golden = concat!(
        r##"{"specversion":"1.0","id":"#9","source":"/goticket/bookings","time":"1970-01-01T00:00:00Z","subject":"#1","##,
        r##""datacontenttype":"application/json","type":"goticket.BookingRefused","##,
        r##""data":{"booking":"#2","account":"#4","section":3,"reason":"sold"}}"##
    );
    check(&event, golden);
    assert!(serde_json::from_str::<DomainEvent>(&written_out(golden).replace("BookingRefused", "BookingForgotten")).is_err());
}

//! Commands on RabbitMQ.

use goticket_contracts::commands::CommandMessage;
use goticket_domain::booking::{
    BookingRequest, Command, IdempotencyKey, PayloadHash, PaymentNotice, PaymentResult, SeatChoice, UndecidedRequest,
};
use goticket_domain::{CategoryNo, Money};

use crate::{ACCOUNT, BOOKING, EVENT, PAYMENT, SECTION, check, euros, seats, written_out};

/// 32 bytes of 0xab.
const HASH: &str = "abababababababababababababababababababababababababababababababab";

fn message(command: Command) -> CommandMessage {
    CommandMessage { event: EVENT, reply_to: None, command }
}

fn key() -> IdempotencyKey {
    IdempotencyKey::parse("k-1").unwrap()
}

fn request(choice: SeatChoice) -> Command {
    let payload_hash = PayloadHash([0xab; 32]);
    let request =
        BookingRequest { booking: BOOKING, event: EVENT, section: SECTION, account: ACCOUNT, key: key(), payload_hash, choice };
    Command::Create { request }
}

#[test]
fn a_request_for_named_seats() {
    let command = request(SeatChoice::named(seats(&[8, 7])).unwrap());
    check(
        &CommandMessage { reply_to: Some("gw".into()), ..message(command) },
        &concat!(
            r##"{"event":"#1","reply_to":"gw","action":"create","request":{"booking":"#2","event":"#1","section":3,"account":"#4","##,
            r##""key":"k-1","payload_hash":"HASH","choice":{"mode":"named","seats":[7,8]}}}"##
        )
        .replace("HASH", HASH),
    );
}

#[test]
fn a_request_for_the_best_seats() {
    for (category, written) in [(None, "null"), (Some(CategoryNo(1)), "1")] {
        check(
            &message(request(SeatChoice::best_available(2, category).unwrap())),
            &concat!(
                r##"{"event":"#1","reply_to":null,"action":"create","request":{"booking":"#2","event":"#1","section":3,"account":"#4","##,
                r##""key":"k-1","payload_hash":"HASH","choice":{"mode":"best_available","quantity":2,"category":CATEGORY}}}"##
            )
            .replace("HASH", HASH)
            .replace("CATEGORY", written),
        );
    }
}

/// The same words must have the same hash for ever: it is stored.
#[test]
fn the_hash_of_a_request() {
    let best = |category: Option<u16>| SeatChoice::best_available(2, category.map(CategoryNo)).unwrap();
    for (choice, hash) in [
        (SeatChoice::named(seats(&[7, 8])).unwrap(), "ccd2ed51e2d1746e3604800d2f540410c03a35140b326193369fc0e72f6bba3a"),
        (best(None), "26592ab5cb480055c34c25d0a4fec91045d443659edb7280045131629f44dbe3"),
        (best(Some(1)), "bee190f91c81f3be38f389e8d5a06a9133201c80cbffd9f6c96f96809f4cb348"),
    ] {
        assert_eq!(String::from(BookingRequest::hash(EVENT, SECTION, &choice)), hash, "{choice:?}");
    }
}

#[test]
fn a_payment() {
    let notice = PaymentNotice {
        payment: PAYMENT,
        booking: BOOKING,
        provider: "sandbox".into(),
        notice_id: "evt_1".into(),
        result: PaymentResult::Paid,
        amount: euros(1_250),
        asked: euros(1_250),
    };
    check(
        &message(Command::Pay { notice: notice.clone() }),
        concat!(
            r##"{"event":"#1","reply_to":null,"action":"pay","notice":{"payment":"#5","booking":"#2","provider":"sandbox","##,
            r##""notice_id":"evt_1","result":"paid","amount":{"amount_minor":1250,"currency":"EUR"},"##,
            r##""asked":{"amount_minor":1250,"currency":"EUR"}}}"##
        ),
    );
    let nothing = Money { amount_minor: 0, currency: "JPY".parse().unwrap() };
    check(
        &message(Command::Pay { notice: PaymentNotice { result: PaymentResult::Declined, amount: nothing, ..notice } }),
        concat!(
            r##"{"event":"#1","reply_to":null,"action":"pay","notice":{"payment":"#5","booking":"#2","provider":"sandbox","##,
            r##""notice_id":"evt_1","result":"declined","amount":{"amount_minor":0,"currency":"JPY"},"##,
            r##""asked":{"amount_minor":1250,"currency":"EUR"}}}"##
        ),
    );
}

#[test]
fn a_cancellation() {
    check(
        &message(Command::Cancel { booking: BOOKING, account: ACCOUNT, undecided: None }),
        r##"{"event":"#1","reply_to":null,"action":"cancel","booking":"#2","account":"#4"}"##,
    );
    let undecided = Some(UndecidedRequest { key: key(), payload_hash: PayloadHash([0xab; 32]), section: SECTION });
    check(
        &message(Command::Cancel { booking: BOOKING, account: ACCOUNT, undecided }),
        &concat!(
            r##"{"event":"#1","reply_to":null,"action":"cancel","booking":"#2","account":"#4","##,
            r##""undecided":{"key":"k-1","payload_hash":"HASH","section":3}}"##
        )
        .replace("HASH", HASH),
    );
}

#[test]
fn a_deadline() {
    check(&message(Command::Expire { booking: BOOKING }), r##"{"event":"#1","reply_to":null,"action":"expire","booking":"#2"}"##);
}

#[test]
fn money_that_has_gone_back() {
    check(
        &message(Command::Refunded { payment: PAYMENT, booking: BOOKING }),
        r##"{"event":"#1","reply_to":null,"action":"refunded","payment":"#5","booking":"#2"}"##,
    );
}

#[test]
fn what_cannot_be_asked_for_cannot_be_read() {
    let create = |choice: &str| {
        concat!(
            r##"{"event":"#1","reply_to":null,"action":"create","request":{"booking":"#2","event":"#1","section":3,"account":"#4","##,
            r##""key":"k-1","payload_hash":"HASH","choice":CHOICE}}"##
        )
        .replace("HASH", HASH)
        .replace("CHOICE", choice)
    };
    for (text, readable) in [
        (create(r#"{"mode":"named","seats":[8,7]}"#), true),
        (create(r#"{"mode":"named","seats":[]}"#), false),
        (create(r#"{"mode":"named","seats":[7,7]}"#), false),
        (create(r#"{"mode":"best_available","quantity":11,"category":null}"#), false),
        (create(r#"{"mode":"best_available","quantity":2,"category":null}"#).replace(HASH, "ab"), false),
        (create(r#"{"mode":"best_available","quantity":2,"category":null}"#).replace("k-1", "k 1"), false),
        (r##"{"event":"#1","reply_to":null,"action":"explode","booking":"#2"}"##.to_owned(), false),
        (r##"{"event":"#1","reply_to":null,"action":"expire"}"##.to_owned(), false),
        // Without anybody waiting.
        (r##"{"event":"#1","action":"expire","booking":"#2"}"##.to_owned(), true),
    ] {
        assert_eq!(serde_json::from_str::<CommandMessage>(&written_out(&text)).is_ok(), readable, "{text}");
    }
}

//! Webhooks: only what the provider signed lately is believed, and it is acknowledged only once the broker has it.

use goticket_contracts::amqp::CommandKind;
use goticket_contracts::commands::CommandMessage;
use goticket_domain::booking::{BookingState, Command, PaymentNotice, PaymentResult};
use goticket_domain::identity::Role;
use goticket_domain::{BookingId, EventId, Money, PaymentId};
use goticket_testkit::{Link, eventually};
use hmac::{Hmac, KeyInit, Mac};
use iso_currency::Currency;
use jiff::Timestamp;
use reqwest::{Method, Response, StatusCode};
use serde_json::json;
use sha2::Sha256;

use crate::lanes::{Commands, take};
use crate::world::{SOON, WEBHOOK_SECRET, World, expect, problem};

const PATH: &str = "/v1/payments/sandbox/webhook";

pub(crate) fn sign(secret: &str, at: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.{body}").as_bytes());
    format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes()))
}

async fn send(world: &World, signature: Option<&str>, body: &str) -> Response {
    let request = world.request(Method::POST, PATH, None).body(body.to_owned());
    let request = match signature {
        Some(signature) => request.header("Sandbox-Signature", signature),
        None => request,
    };
    request.send().await.unwrap()
}

pub(crate) fn event(kind: &str, reference: &str) -> String {
    let data = json!({
        "payment": "pay_1", "reference": reference, "amount_minor": 2_500, "currency": "EUR", "status": "paid",
        "refunded_minor": 0,
    });
    json!({ "id": "evt_1", "type": kind, "created": Timestamp::now(), "data": data }).to_string()
}

#[tokio::test]
async fn a_notice_is_believed_only_with_a_fresh_signature_over_these_bytes() {
    let world = World::new().await;
    let now = Timestamp::now().as_second();
    let body = event("payment.paid", &uuid::Uuid::now_v7().to_string());
    let good = sign(WEBHOOK_SECRET, now, &body);
    let rows: [(&str, Option<String>, &str); 7] = [
        ("none", None, &body),
        ("no signature at all", Some("nonsense".into()), &body),
        ("another secret's", Some(sign("whsec_other", now, &body)), &body),
        ("of another body", Some(good.clone()), "{}"),
        ("too old", Some(sign(WEBHOOK_SECRET, now - 301, &body)), &body),
        ("too new", Some(sign(WEBHOOK_SECRET, now + 310, &body)), &body),
        ("another time's", Some(good.replacen(&now.to_string(), &(now - 1).to_string(), 1)), &body),
    ];
    for (name, signature, body) in rows {
        let answer = problem(send(&world, signature.as_deref(), body).await, 401, "signature_invalid").await;
        assert_eq!(answer["errors"][0]["header"], "Sandbox-Signature", "{name}");
    }
    // Signed, and still not for us.
    let rows = [
        ("{}".to_owned(), 422, "invalid_webhook"),
        ("not json".to_owned(), 422, "invalid_webhook"),
        (body.clone(), 404, "payment_not_found"),
        (event("payment.paid", "no uuid"), 404, "payment_not_found"),
    ];
    for (body, status, code) in rows {
        let answer = problem(send(&world, Some(&sign(WEBHOOK_SECRET, now, &body)), &body).await, status, code).await;
        let place = if status == 404 { "/data/reference" } else { "" };
        assert_eq!(answer["errors"][0]["pointer"], place, "{answer}");
    }
    let other = event("payment.refunded", "whatever");
    expect(send(&world, Some(&sign(WEBHOOK_SECRET, now, &other)), &other).await, StatusCode::OK).await;
}

/// An open payment of a held booking of a seat.
async fn open_payment(world: &World) -> (EventId, BookingId, PaymentId) {
    let organizer = world.person(Role::Organizer).await;
    let on_sale = world.event(&organizer).await;
    let booking = take(world, on_sale, &[1], BookingState::Held).await;
    let payment = PaymentId(uuid::Uuid::now_v7());
    sqlx::query(
        "INSERT INTO payments (id, booking, provider, amount_minor, currency, state)
         VALUES ($1, $2, 'sandbox', 2500, 'EUR', 'open')",
    )
    .bind(payment.0)
    .bind(booking.0)
    .execute(&world.pool)
    .await
    .unwrap();
    (on_sale, booking, payment)
}

#[tokio::test]
async fn a_believed_notice_becomes_a_command_on_its_lanes_lifecycle_queue() {
    let world = World::new().await;
    let (on_sale, booking, payment) = open_payment(&world).await;
    let body = event("payment.declined", &payment.to_string());
    let now = Timestamp::now().as_second();
    let (other, ours) = (sign("whsec_old", now, &body), sign(WEBHOOK_SECRET, now, &body));
    // During a rotation of secrets several signatures come; ours may be any of them.
    let signature = format!("{other},{}", ours.split_once(',').unwrap().1);
    expect(send(&world, Some(&signature), &body).await, StatusCode::OK).await;

    let found = Commands::of(&world).await.next(CommandKind::Lifecycle).await;
    let price = Money { amount_minor: 2_500, currency: Currency::EUR };
    let notice = PaymentNotice {
        payment,
        booking,
        provider: "sandbox".into(),
        notice_id: "evt_1".into(),
        result: PaymentResult::Declined,
        amount: price,
        asked: price,
    };
    assert_eq!(found, CommandMessage { event: on_sale, reply_to: None, command: Command::Pay { notice } });
}

/// What was refunded by hand, in part or whole, takes nobody's tickets: we hear of refunds as answers to our own requests.
#[tokio::test]
async fn a_notice_of_a_refund_commands_nothing() {
    let world = World::new().await;
    let (_, _, payment) = open_payment(&world).await;
    for kind in ["payment.refunded", "payment.paid"] {
        let body = event(kind, &payment.to_string());
        let signature = sign(WEBHOOK_SECRET, Timestamp::now().as_second(), &body);
        expect(send(&world, Some(&signature), &body).await, StatusCode::OK).await;
    }
    let first = Commands::of(&world).await.next(CommandKind::Lifecycle).await;
    assert!(matches!(first.command, Command::Pay { notice } if notice.result == PaymentResult::Paid));
}

#[tokio::test]
async fn a_notice_that_no_broker_took_is_to_be_sent_again() {
    let (world, links) = World::behind_links().await;
    let (_, _, payment) = open_payment(&world).await;
    let body = event("payment.paid", &payment.to_string());
    let signature = sign(WEBHOOK_SECRET, Timestamp::now().as_second(), &body);
    for take_away in [Link::hush, |link: &Link| {
        link.cut();
    }] {
        take_away(&links.amqp);
        let answer = send(&world, Some(&signature), &body).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key("retry-after"));
        links.amqp.restore();
    }
    let taken = async || (send(&world, Some(&signature), &body).await.status() == StatusCode::OK).then_some(());
    eventually("the broker is back", SOON, taken).await;
    let found = Commands::of(&world).await.next(CommandKind::Lifecycle).await;
    assert!(matches!(found.command, Command::Pay { notice } if notice.payment == payment));
}

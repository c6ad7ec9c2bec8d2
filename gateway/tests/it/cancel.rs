//! Giving back: held bookings, and requests that are not decided yet.

use goticket_contracts::commands::CommandMessage;
use goticket_domain::BookingId;
use goticket_domain::booking::{Answer, BookingState, Command, RefusalReason, UndecidedRequest};
use reqwest::StatusCode;
use serde_json::json;

use crate::lanes::{end_hold, hold, refuse, reply};
use crate::sale::Sale;
use crate::world::{expect, problem};

/// What a DELETE of this booking must have sent.
fn cancels(sale: &Sale, message: &CommandMessage, booking: BookingId, undecided: Option<UndecidedRequest>) {
    let command = Command::Cancel { booking, account: sale.fan.id, undecided };
    assert_eq!((message.event, &message.command), (sale.event, &command));
}

#[tokio::test]
async fn a_held_booking_is_cancelled_once() {
    let sale = Sale::new().await;
    let (location, request) = sale.leave_request("k", &json!({ "seats": [1] })).await;
    hold(&sale.world, &request, request.booking, &[(1, 2_500)]).await;
    let answer = sale.cancel(&location, "wait=0").await;
    assert_eq!(answer.headers()["location"], location);
    expect(answer, StatusCode::ACCEPTED).await;
    cancels(&sale, &sale.command().await, request.booking, None);

    let owner = async {
        let message = sale.command().await;
        cancels(&sale, &message, request.booking, None);
        end_hold(&sale.world, sale.event, request.booking, BookingState::Cancelled).await;
        reply(&sale.world, &message, Answer::State { state: BookingState::Cancelled }).await;
    };
    let (answer, ()) = tokio::join!(sale.cancel(&location, "wait=30"), owner);
    let cancelled = expect(answer, StatusCode::OK).await;
    assert_eq!((&cancelled["state"], &cancelled["id"]), (&json!("cancelled"), &json!(request.booking)));
    assert_eq!(expect(sale.cancel(&location, "wait=30").await, StatusCode::OK).await, cancelled);

    // The repetition sent nothing: the next command in this lane is another booking's.
    let (other, request) = sale.leave_request("other", &json!({ "seats": [2] })).await;
    hold(&sale.world, &request, request.booking, &[(2, 2_500)]).await;
    expect(sale.cancel(&other, "wait=0").await, StatusCode::ACCEPTED).await;
    cancels(&sale, &sale.command().await, request.booking, None);
}

#[tokio::test]
async fn a_request_that_is_not_decided_is_refused_by_its_cancellation() {
    let sale = Sale::new().await;
    let seats = json!({ "seats": [1] });
    let (location, request) = sale.leave_request("k", &seats).await;
    let undecided =
        || UndecidedRequest { key: request.key.clone(), payload_hash: request.payload_hash, section: request.section };
    let answer = sale.cancel(&location, "wait=0").await;
    assert_eq!(answer.headers()["location"], location);
    expect(answer, StatusCode::ACCEPTED).await;
    cancels(&sale, &sale.command().await, request.booking, Some(undecided()));

    let owner = async {
        let message = sale.command().await;
        cancels(&sale, &message, request.booking, Some(undecided()));
        let decided = refuse(&sale.world, &request, request.booking, RefusalReason::Cancelled.into()).await;
        reply(&sale.world, &message, Answer::Decided { decided, replayed: false }).await;
    };
    let (answer, ()) = tokio::join!(sale.cancel(&location, "wait=30"), owner);
    let refused = expect(answer, StatusCode::OK).await;
    assert_eq!((&refused["state"], &refused["reason"]), (&json!("refused"), &json!("cancelled")));
    assert_eq!(expect(sale.cancel(&location, "wait=30").await, StatusCode::OK).await, refused);
    assert_eq!(expect(sale.show(&location).await, StatusCode::OK).await, refused);
    let again = sale.ask("k", "wait=0", &seats).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    problem(again, 409, "request_cancelled").await;
}

/// A cancellation that is delivered again, or comes late, finds its request decided.
#[tokio::test]
async fn a_cancellation_that_comes_late_is_answered_with_what_was_decided() {
    let sale = Sale::new().await;
    for (key, reason, status, code) in
        [("before", RefusalReason::Cancelled, 200, ""), ("refused", RefusalReason::Sold, 409, "booking_refused")]
    {
        let (location, request) = sale.leave_request(key, &json!({ "seats": [1] })).await;
        let owner = async {
            let message = sale.command().await;
            let decided = refuse(&sale.world, &request, request.booking, reason.into()).await;
            reply(&sale.world, &message, Answer::Decided { decided, replayed: true }).await;
        };
        let (answer, ()) = tokio::join!(sale.cancel(&location, "wait=30"), owner);
        if code.is_empty() {
            assert_eq!(expect(answer, StatusCode::OK).await["reason"], "cancelled");
        } else {
            problem(answer, status, code).await;
        }
    }

    let (location, request) = sale.leave_request("paid", &json!({ "seats": [1] })).await;
    let owner = async {
        let message = sale.command().await;
        hold(&sale.world, &request, request.booking, &[(1, 2_500)]).await;
        end_hold(&sale.world, sale.event, request.booking, BookingState::Confirmed).await;
        reply(&sale.world, &message, Answer::State { state: BookingState::Confirmed }).await;
    };
    let (answer, ()) = tokio::join!(sale.cancel(&location, "wait=30"), owner);
    problem(answer, 409, "booking_not_held").await;

    let (location, _) = sale.leave_request("reused", &json!({ "seats": [2] })).await;
    let (_, other) = sale.leave_request("reused", &json!({ "seats": [3] })).await;
    let owner = async {
        let message = sale.command().await;
        hold(&sale.world, &other, other.booking, &[(3, 2_500)]).await;
        reply(&sale.world, &message, Answer::KeyReused).await;
    };
    let (answer, ()) = tokio::join!(sale.cancel(&location, "wait=30"), owner);
    problem(answer, 422, "idempotency_key_reused").await;
}

#[tokio::test]
async fn the_reply_to_a_request_does_not_end_the_wait_of_its_cancellation() {
    let sale = Sale::new().await;
    let (location, request) = sale.leave_request("k", &json!({ "seats": [1] })).await;
    let owner = async {
        let message = sale.command().await;
        let decided = hold(&sale.world, &request, request.booking, &[(1, 2_500)]).await;
        // It comes under the same id.
        reply(&sale.world, &message, Answer::Decided { decided, replayed: false }).await;
        for _ in 0..10 {
            assert_eq!(expect(sale.show(&location).await, StatusCode::OK).await["state"], "held");
        }
        end_hold(&sale.world, sale.event, request.booking, BookingState::Cancelled).await;
    };
    let (answer, ()) = tokio::join!(sale.cancel(&location, "wait=30"), owner);
    assert_eq!(expect(answer, StatusCode::OK).await["state"], "cancelled");
}

#[tokio::test]
async fn a_request_that_was_decided_under_another_id_is_given_back_there() {
    let sale = Sale::new().await;
    let (location, request) = sale.leave_request("k", &json!({ "seats": [1] })).await;
    let other = BookingId::generate();
    let owner = async {
        let message = sale.command().await;
        let decided = hold(&sale.world, &request, other, &[(1, 2_500)]).await;
        reply(&sale.world, &message, Answer::Decided { decided, replayed: true }).await;
        let message = sale.command().await;
        cancels(&sale, &message, other, None);
        end_hold(&sale.world, sale.event, other, BookingState::Cancelled).await;
        reply(&sale.world, &message, Answer::State { state: BookingState::Cancelled }).await;
    };
    let (answer, ()) = tokio::join!(sale.cancel(&location, "wait=30"), owner);
    let cancelled = expect(answer, StatusCode::OK).await;
    assert_eq!((&cancelled["state"], &cancelled["id"]), (&json!("cancelled"), &json!(other)));
    // Also by the first one's id alone.
    assert_eq!(expect(sale.cancel(&location, "wait=0").await, StatusCode::OK).await, cancelled);
}

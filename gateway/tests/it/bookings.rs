//! Requests for seats up to their lane's queue, what becomes of the answers, and what a booking shows. The whole path has its tests in
//! the `goticket` crate.

use futures::StreamExt;
use goticket_domain::BookingId;
use goticket_domain::booking::{Answer, BookingState, Outcome, Refusal, RefusalReason};
use goticket_domain::identity::Role;
use goticket_domain::{SeatNo, TicketId};
use goticket_testkit::eventually;
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lanes::{hold, refuse, reply, take};
use crate::sale::Sale;
use crate::world::{SOON, expect, places, problem};

fn decided(outcome: Outcome) -> Answer {
    Answer::Decided { decided: outcome, replayed: false }
}

#[tokio::test]
async fn the_reply_is_the_answer_and_a_repetition_gets_it_again() {
    let sale = Sale::new().await;
    let owner = async {
        let (message, request) = sale.request().await;
        let outcome = hold(&sale.world, &request, request.booking, &[(17, 2_500), (18, 2_500)]).await;
        reply(&sale.world, &message, decided(outcome)).await;
    };
    let seats = json!({ "seats": [18, 17] });
    let (answer, ()) = tokio::join!(sale.ask("k", "wait=30", &seats), owner);
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(!answer.headers().contains_key("idempotency-replayed"));
    let booking = expect(answer, StatusCode::CREATED).await;
    assert_eq!(location, format!("/v1/bookings/{}", booking["id"].as_str().unwrap()));
    assert_eq!((&booking["state"], &booking["section"]), (&json!("held"), &json!(0)));
    assert_eq!(booking["total"], json!({ "amount_minor": 5_000, "currency": "EUR" }));
    assert_eq!(booking["seats"][0]["no"], 17);
    assert!(booking["hold_expires_at"].is_string());

    // Same seats in another spelling are the same request; other seats are another one.
    let again = sale.ask("k", "wait=0", &json!({ "seats": [17, 18] })).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(expect(again, StatusCode::CREATED).await, booking);
    let body = problem(sale.ask("k", "wait=0", &json!({ "seats": [19] })).await, 422, "idempotency_key_reused").await;
    assert_eq!(body["errors"][0]["header"], "Idempotency-Key");
}

#[tokio::test]
async fn each_seat_has_the_price_it_was_decided_at() {
    let sale = Sale::new().await;
    let map = expect(sale.world.get(&format!("/v1/events/{}/seats", sale.event), None).await, StatusCode::OK).await;
    let category = |seat: &Value| (seat["section"].as_u64().unwrap(), seat["category"].as_u64().unwrap());
    let seats = map["seats"].as_array().unwrap();
    let border = seats.windows(2).position(|pair| category(&pair[0]).1 != category(&pair[1]).1).unwrap();
    assert_eq!(category(&seats[border]).0, category(&seats[border + 1]).0, "two categories in one section");
    let last = u32::try_from(border).unwrap();
    // Neither is what the event lists by now.
    for (key, prices) in [("alike", [(last - 1, 3_000), (last, 3_000)]), ("apart", [(last, 4_000), (last + 1, 1_500)])] {
        let owner = async {
            let (message, request) = sale.request().await;
            let outcome = hold(&sale.world, &request, request.booking, &prices).await;
            reply(&sale.world, &message, decided(outcome.clone())).await;
            // They are free for the next row.
            crate::lanes::end_hold(&sale.world, sale.event, outcome.booking(), BookingState::Expired).await;
        };
        let body = json!({ "seats": prices.map(|(seat, _)| seat) });
        let (answer, ()) = tokio::join!(sale.ask(key, "wait=30", &body), owner);
        let first = expect(answer, StatusCode::CREATED).await;
        let shown = first["seats"].as_array().unwrap().iter().map(|seat| (&seat["no"], &seat["price_minor"]));
        assert!(shown.eq(prices.map(|(no, price)| (json!(no), json!(price))).iter().map(|(no, price)| (no, price))), "{first}");
        assert_eq!(expect(sale.ask(key, "wait=0", &body).await, StatusCode::CREATED).await, first);
    }
}

/// HTTP status, code, and the place that is named where no seats are in the way.
fn told(reason: RefusalReason) -> (u16, &'static str, &'static str) {
    match reason {
        RefusalReason::Sold => (409, "seats_sold", "/quantity"),
        RefusalReason::Held => (409, "seats_held", "/quantity"),
        RefusalReason::Yours => (409, "seats_yours", "/quantity"),
        RefusalReason::Contended => (409, "contended", "/quantity"),
        RefusalReason::NotTogether => (409, "not_together", "/quantity"),
        RefusalReason::LimitReached => (409, "limit_reached", "/quantity"),
        RefusalReason::NotOnSale => (409, "not_on_sale", ":event"),
        RefusalReason::Closed => (409, "sale_closed", ":event"),
        RefusalReason::Cancelled => (409, "request_cancelled", "Idempotency-Key"),
        RefusalReason::Failed => (409, "booking_failed", "Idempotency-Key"),
        RefusalReason::Invalid => (422, "invalid_booking", "/quantity"),
    }
}

#[tokio::test]
async fn every_refusal_has_its_own_code_now_and_when_repeated() {
    let sale = Sale::new().await;
    for reason in RefusalReason::ALL {
        let (status, code, place) = told(reason);
        let best = json!({ "section": 0, "quantity": 2 });
        let owner = async {
            let (message, request) = sale.request().await;
            let outcome = refuse(&sale.world, &request, request.booking, reason.into()).await;
            reply(&sale.world, &message, decided(outcome)).await;
            request.booking
        };
        let (answer, booking) = tokio::join!(sale.ask(code, "wait=30", &best), owner);
        let first = problem(answer, status, code).await;
        assert_eq!(places(&first).unwrap(), [place], "{first}");
        if reason == RefusalReason::LimitReached {
            assert!(first["errors"][0]["message"].as_str().unwrap().contains("ticket_limit"), "{first}");
        }
        let again = sale.ask(code, "wait=0", &best).await;
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        assert_eq!(problem(again, status, code).await["errors"], first["errors"]);
        let shown = expect(sale.show(&format!("/v1/bookings/{booking}")).await, StatusCode::OK).await;
        assert_eq!((&shown["state"], &shown["reason"]), (&json!("refused"), &json!(reason.as_str())));
    }
}

#[tokio::test]
async fn a_refusal_names_what_is_in_the_way() {
    let sale = Sale::new().await;
    let until = Timestamp::from_second(Timestamp::now().as_second() + 300).unwrap();
    let own = BookingId::generate();
    let seats = vec![SeatNo(7), SeatNo(8)];
    let refusal = |reason: RefusalReason| Refusal { seats: seats.clone(), ..reason.into() };
    let rows = [
        (refusal(RefusalReason::Sold), json!(null), json!(null)),
        (Refusal { until: Some(until), ..refusal(RefusalReason::Held) }, json!(until), json!(null)),
        (Refusal { yours: Some(own), ..refusal(RefusalReason::Yours) }, json!(null), json!(own)),
        (refusal(RefusalReason::Contended), json!(null), json!(null)),
    ];
    for (refusal, until, own) in rows {
        let (status, code, _) = told(refusal.reason);
        let owner = async {
            let (message, request) = sale.request().await;
            let outcome = refuse(&sale.world, &request, request.booking, refusal.clone()).await;
            reply(&sale.world, &message, decided(outcome)).await;
            request.booking
        };
        let body = json!({ "seats": [6, 7, 8] });
        let (answer, booking) = tokio::join!(sale.ask(code, "wait=30", &body), owner);
        for answer in [answer, sale.ask(code, "wait=0", &body).await] {
            let told = problem(answer, status, code).await;
            assert_eq!((&told["until"], &told["booking"]), (&until, &own), "{told}");
            assert_eq!(places(&told).unwrap(), ["/seats", "/seats"], "{told}");
            for (error, seat) in told["errors"].as_array().unwrap().iter().zip(&seats) {
                assert!(error["message"].as_str().unwrap().starts_with(&format!("seat {seat} ")), "{told}");
            }
        }
        let shown = expect(sale.show(&format!("/v1/bookings/{booking}")).await, StatusCode::OK).await;
        assert_eq!((&shown["until"], &shown["booking"]), (&until, &own), "{shown}");
    }
}

#[tokio::test]
async fn what_is_not_decided_in_time_is_accepted_and_found_later() {
    let sale = Sale::new().await;
    for wait in ["wait=0", "wait=1"] {
        let answer = sale.ask(wait, wait, &json!({ "seats": [1] })).await;
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        let body = expect(answer, StatusCode::ACCEPTED).await;
        assert_eq!((&body["state"], &body["status_url"]), (&json!("pending"), &json!(location)));
        assert_eq!(expect(sale.show(&location).await, StatusCode::OK).await["state"], "pending");
        let stranger = sale.world.person(Role::User).await;
        problem(sale.world.get(&location, Some(&stranger)).await, 404, "booking_not_found").await;
        let cancel = sale.world.request(Method::DELETE, &location, Some(&stranger)).send().await.unwrap();
        problem(cancel, 404, "booking_not_found").await;
        let pay = sale.world.post(&format!("{location}/payment"), Some(&sale.fan), &json!({})).await;
        problem(pay, 409, "booking_pending").await;

        let (message, request) = sale.request().await;
        assert_eq!(message.reply_to.is_some(), wait != "wait=0", "no one waits for a reply");
        // Decided for another request with its key, which was faster: this id leads there.
        let outcome = refuse(&sale.world, &request, BookingId::generate(), RefusalReason::Sold.into()).await;
        let shown = expect(sale.show(&location).await, StatusCode::OK).await;
        assert_eq!((&shown["state"], &shown["id"]), (&json!("refused"), &json!(outcome.booking())));
    }
}

#[tokio::test]
async fn a_request_that_was_decided_under_another_id_leads_to_its_booking() {
    let sale = Sale::new().await;
    let (location, request) = sale.leave_request("k", &json!({ "seats": [1] })).await;
    let booking = hold(&sale.world, &request, BookingId::generate(), &[(1, 2_500)]).await.booking();
    let shown = expect(sale.show(&location).await, StatusCode::OK).await;
    assert_eq!((&shown["state"], &shown["id"]), (&json!("held"), &json!(booking)));
    // Nothing answers where the provider should be, but the attempt is there.
    problem(sale.world.post(&format!("{location}/payment"), Some(&sale.fan), &json!({})).await, 503, "unavailable").await;
    let paid: Vec<uuid::Uuid> = sqlx::query_scalar("SELECT booking FROM payments").fetch_all(&sale.world.pool).await.unwrap();
    assert_eq!(paid, [booking.0]);
    issue(&sale, booking, 1).await;
    let tickets = expect(sale.world.get(&format!("{location}/tickets"), Some(&sale.fan)).await, StatusCode::OK).await;
    assert_eq!(tickets["items"].as_array().unwrap().len(), 1, "{tickets}");
}

#[tokio::test]
async fn of_two_requests_with_one_key_the_second_finds_it_used_and_not_the_others_booking() {
    let sale = Sale::new().await;
    let (first, request) = sale.leave_request("k", &json!({ "seats": [1] })).await;
    let (second, _) = sale.leave_request("k", &json!({ "seats": [2] })).await;
    let waiting = async {
        let (message, _) = sale.request().await;
        hold(&sale.world, &request, request.booking, &[(1, 2_500)]).await;
        reply(&sale.world, &message, Answer::KeyReused).await;
    };
    let third = json!({ "seats": [3] });
    let (answer, ()) = tokio::join!(sale.ask("k", "wait=30", &third), waiting);
    problem(answer, 422, "idempotency_key_reused").await;
    assert_eq!(expect(sale.show(&first).await, StatusCode::OK).await["state"], "held");
    problem(sale.show(&second).await, 422, "idempotency_key_reused").await;
    problem(sale.cancel(&second, "wait=0").await, 422, "idempotency_key_reused").await;
    let pay = sale.world.post(&format!("{second}/payment"), Some(&sale.fan), &json!({})).await;
    problem(pay, 422, "idempotency_key_reused").await;
}

#[tokio::test]
async fn an_outcome_whose_reply_was_lost_is_found_at_the_end_of_the_wait() {
    let sale = Sale::new().await;
    let owner = async {
        let (_, request) = sale.request().await;
        hold(&sale.world, &request, request.booking, &[(4, 2_500)]).await;
    };
    let seats = json!({ "seats": [4] });
    let (answer, ()) = tokio::join!(sale.ask("k", "wait=3", &seats), owner);
    expect(answer, StatusCode::CREATED).await;
}

#[tokio::test]
async fn waiters_are_gone_when_their_requests_are() {
    let sale = Sale::new().await;
    {
        let seats = json!({ "seats": [1] });
        let waits: Vec<_> = (0..5).map(|n| sale.ask(if n % 2 == 0 { "even" } else { "odd" }, "wait=30", &seats)).collect();
        let mut waits = futures::stream::iter(waits).buffer_unordered(5);
        // Until all five are in the queues; then the clients go away.
        let all = async {
            for _ in 0..5 {
                sale.request().await;
            }
        };
        tokio::select! {
            answer = waits.next() => panic!("answered without an outcome: {answer:?}"),
            () = all => {}
        }
    }
    // The gauge is this process's, so other tests' waiters count as well: they end, too.
    eventually("no waiters", SOON, async || {
        let metrics = sale.world.metrics().await;
        let gauge = metrics.lines().find_map(|line| line.strip_prefix("gateway_waiters "));
        (gauge? == "0").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_booking_is_its_owners_alone_and_says_why_it_cannot_be_paid() {
    let sale = Sale::new().await;
    let id = take(&sale.world, sale.event, &[2], BookingState::Confirmed).await;
    for (method, path) in [
        (Method::GET, format!("/v1/bookings/{id}")),
        (Method::DELETE, format!("/v1/bookings/{id}")),
        (Method::GET, format!("/v1/bookings/{id}/tickets")),
    ] {
        let answer = sale.world.request(method, &path, Some(&sale.fan)).send().await.unwrap();
        problem(answer, 404, "booking_not_found").await;
    }
    let foreign = sale.world.post(&format!("/v1/bookings/{id}/payment"), Some(&sale.fan), &json!({})).await;
    problem(foreign, 404, "booking_not_found").await;

    sqlx::query("UPDATE bookings SET account = $1").bind(sale.fan.id.0).execute(&sale.world.pool).await.unwrap();
    let shown = expect(sale.world.get(&format!("/v1/bookings/{id}"), Some(&sale.fan)).await, StatusCode::OK).await;
    assert_eq!((&shown["state"], &shown["seats"][0]["price_minor"]), (&json!("confirmed"), &json!(2_500)));
    let cancel = sale.world.request(Method::DELETE, &format!("/v1/bookings/{id}"), Some(&sale.fan)).send().await.unwrap();
    problem(cancel, 409, "booking_not_held").await;
    let pay = async || sale.world.post(&format!("/v1/bookings/{id}/payment"), Some(&sale.fan), &json!({})).await;
    problem(pay().await, 409, "already_paid").await;
    sqlx::query("UPDATE bookings SET state = 'held', hold_expires_at = now()").execute(&sale.world.pool).await.unwrap();
    problem(pay().await, 409, "booking_not_payable").await;
    // Nothing answers where the provider should be.
    sqlx::query("UPDATE bookings SET hold_expires_at = now() + interval '1 hour'").execute(&sale.world.pool).await.unwrap();
    problem(pay().await, 503, "unavailable").await;
    // Of what a closed event holds nothing is sold, not even where a payment is open.
    sqlx::query("UPDATE events SET status = 'closed'").execute(&sale.world.pool).await.unwrap();
    problem(pay().await, 409, "sale_closed").await;
}

async fn issue(sale: &Sale, booking: BookingId, seat: i32) -> TicketId {
    let ticket = TicketId::generate();
    sqlx::query("INSERT INTO tickets (id, booking, event, seat, code, issued_at) VALUES ($1, $2, $3, $4, 'CODE', now())")
        .bind(ticket.0)
        .bind(booking.0)
        .bind(sale.event.0)
        .bind(seat)
        .execute(&sale.world.pool)
        .await
        .unwrap();
    ticket
}

#[tokio::test]
async fn a_ticket_is_its_owners_alone_and_comes_once_it_is_printed() {
    let sale = Sale::new().await;
    let booking = take(&sale.world, sale.event, &[2], BookingState::Confirmed).await;
    sqlx::query("UPDATE bookings SET account = $1").bind(sale.fan.id.0).execute(&sale.world.pool).await.unwrap();
    let ticket = issue(&sale, booking, 2).await;
    let list = expect(sale.world.get(&format!("/v1/bookings/{booking}/tickets"), Some(&sale.fan)).await, StatusCode::OK).await;
    let url = list["items"][0]["pdf_url"].as_str().unwrap().to_owned();
    assert_eq!((&list["items"][0]["code"], &list["items"][0]["seat"]["no"]), (&json!("CODE"), &json!(2)));
    problem(sale.world.get(&url, Some(&sale.fan)).await, 503, "not_rendered").await;
    let path = sale.world.bed.objects_dir.join(goticket_contracts::objects::ticket_pdf(ticket));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "%PDF-1.7").unwrap();
    let pdf = sale.world.get(&url, Some(&sale.fan)).await;
    assert_eq!(pdf.headers()["content-type"], "application/pdf");
    assert_eq!(pdf.text().await.unwrap(), "%PDF-1.7");
    let stranger = sale.world.person(Role::User).await;
    problem(sale.world.get(&url, Some(&stranger)).await, 404, "ticket_not_found").await;
}

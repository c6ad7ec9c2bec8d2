//! Bookings up to the section's queue, and what becomes of the answers. The whole path has its tests in the `goticket` crate.

use futures::StreamExt;
use goticket_contracts::commands::{Action, Command};
use goticket_contracts::redis_keys::reply_channel;
use goticket_contracts::replies::{Reply, ReplyResult};
use goticket_domain::booking::{BookingRequest, HeldSeats, Outcome, RefusalReason};
use goticket_domain::identity::Role;
use goticket_domain::{BookingId, EventId, Money};
use goticket_testkit::eventually;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use tokio::sync::Mutex;

use crate::world::{Commands, Person, SOON, World, expect, places, problem};

struct Sale {
    world: World,
    fan: Person,
    event: EventId,
    entry: String,
    commands: Mutex<Commands>,
}

impl Sale {
    async fn new() -> Self {
        let world = World::new().await;
        let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
        let event = world.event(&organizer).await;
        let entry = world.entry_token(event, &fan);
        let commands = Mutex::new(Commands::of(&world).await);
        Self { world, fan, event, entry, commands }
    }

    async fn ask(&self, key: &str, wait: &str, body: &Value) -> Response {
        let path = format!("/v1/events/{}/bookings", self.event);
        let request = self.world.request(Method::POST, &path, Some(&self.fan));
        let request = request.header("Entry-Token", &self.entry).header("Idempotency-Key", key).header("Prefer", wait);
        request.json(body).send().await.unwrap()
    }

    /// The next command on any section's queue.
    async fn command(&self) -> Command {
        self.commands.lock().await.next().await
    }

    /// Stores an outcome as the worker does.
    async fn store(&self, request: &BookingRequest, outcome: &Outcome) {
        sqlx::query(
            "INSERT INTO booking_requests (account, key, booking, event, payload_hash, outcome, decided_at)
             VALUES ($1, $2, $3, $4, $5, $6, now())",
        )
        .bind(request.account.0)
        .bind(request.key.as_str())
        .bind(outcome.booking().0)
        .bind(request.event.0)
        .bind(request.payload_hash.0.as_slice())
        .bind(serde_json::to_value(outcome).unwrap())
        .execute(&self.world.pool)
        .await
        .unwrap();
    }

    async fn reply(&self, command: &Command, waiter: BookingId, result: ReplyResult) {
        let body = serde_json::to_vec(&Reply { waiter, result }).unwrap();
        let channel = reply_channel(self.world.redis.prefix(), command.reply_to.as_ref().unwrap());
        let publish = redis::cmd("PUBLISH").arg(channel).arg(body).to_owned();
        let heard: i64 = self.world.redis.query(&publish).await.unwrap();
        assert_eq!(heard, 1, "the gateway listens on its channel");
    }
}

fn held(booking: BookingId, seats: &[u32]) -> Outcome {
    let amount_minor = 2_500 * i64::try_from(seats.len()).unwrap();
    let expires_at = Timestamp::from_second(Timestamp::now().as_second()).unwrap() + SignedDuration::from_mins(5);
    let total = Money { amount_minor, currency: iso_currency::Currency::EUR };
    Outcome::Held { booking, held: HeldSeats { seats: seats.to_vec(), total, expires_at } }
}

fn request_of(command: &Command) -> BookingRequest {
    match &command.action {
        Action::Create { request } => request.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_reply_is_the_answer_and_a_repetition_gets_it_again() {
    let sale = Sale::new().await;
    let wish = json!({ "seats": [18, 17] });
    let worker = async {
        let command = sale.command().await;
        let request = request_of(&command);
        assert_eq!((command.section, request.account, request.event), (0, sale.fan.id, sale.event));
        let outcome = held(request.booking, &[17, 18]);
        sale.store(&request, &outcome).await;
        let result = ReplyResult::Decided { decided: outcome, replayed: false };
        sale.reply(&command, request.booking, result).await;
    };
    let (answer, ()) = tokio::join!(sale.ask("k", "wait=30", &wish), worker);
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
async fn every_refusal_has_its_own_code_now_and_when_repeated() {
    let sale = Sale::new().await;
    for reason in RefusalReason::ALL {
        let (status, code) = match reason {
            RefusalReason::Sold => (409, "seats_sold"),
            RefusalReason::Held => (409, "seats_held"),
            RefusalReason::Contended => (409, "contended"),
            RefusalReason::NotTogether => (409, "not_together"),
            RefusalReason::LimitReached => (409, "limit_reached"),
            RefusalReason::NotOnSale => (409, "not_on_sale"),
            RefusalReason::Failed => (409, "booking_failed"),
            RefusalReason::Invalid => (422, "invalid_booking"),
        };
        let (wish, field) = match reason {
            RefusalReason::LimitReached => (json!({ "seats": [1, 2] }), "/seats"),
            _ => (json!({ "section": 0, "quantity": 2 }), "/quantity"),
        };
        let worker = async {
            let command = sale.command().await;
            let request = request_of(&command);
            let outcome = Outcome::Refused { booking: request.booking, reason, seats: vec![] };
            sale.store(&request, &outcome).await;
            sale.reply(&command, request.booking, ReplyResult::Decided { decided: outcome, replayed: false }).await;
            request.booking
        };
        let (answer, booking) = tokio::join!(sale.ask(code, "wait=30", &wish), worker);
        let first = problem(answer, status, code).await;
        let place = match reason {
            RefusalReason::NotOnSale => ":event",
            RefusalReason::Failed => "Idempotency-Key",
            _ => field,
        };
        assert_eq!(places(&first).unwrap(), [place], "{first}");
        if reason == RefusalReason::LimitReached {
            assert!(first["errors"][0]["message"].as_str().unwrap().contains("6 tickets"), "{first}");
        }
        let again = sale.ask(code, "wait=0", &wish).await;
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        assert_eq!(problem(again, status, code).await["errors"], first["errors"]);
        let shown = expect(sale.world.get(&format!("/v1/bookings/{booking}"), Some(&sale.fan)).await, StatusCode::OK).await;
        assert_eq!((&shown["state"], &shown["reason"]), (&json!("refused"), &json!(reason.as_str())));
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
        let shown = expect(sale.world.get(&location, Some(&sale.fan)).await, StatusCode::OK).await;
        assert_eq!(shown["state"], "pending");
        let stranger = sale.world.person(Role::User).await;
        problem(sale.world.get(&location, Some(&stranger)).await, 404, "booking_not_found").await;
        let cancel = sale.world.request(Method::DELETE, &location, Some(&sale.fan)).send().await.unwrap();
        problem(cancel, 409, "booking_pending").await;
        let pay = sale.world.post(&format!("{location}/payment"), Some(&sale.fan), &json!({})).await;
        problem(pay, 409, "booking_pending").await;

        // Decided under the id of a twin that was faster: this id leads there.
        let request = request_of(&sale.command().await);
        let outcome = Outcome::Refused { booking: BookingId::generate(), reason: RefusalReason::Sold, seats: vec![1] };
        sale.store(&request, &outcome).await;
        let shown = expect(sale.world.get(&location, Some(&sale.fan)).await, StatusCode::OK).await;
        assert_eq!((&shown["state"], &shown["id"]), (&json!("refused"), &json!(outcome.booking())));
    }
}

#[tokio::test]
async fn an_outcome_whose_reply_was_lost_is_found_at_the_end_of_the_wait() {
    let sale = Sale::new().await;
    let worker = async {
        let request = request_of(&sale.command().await);
        sale.store(&request, &held(request.booking, &[4])).await;
    };
    let wish = json!({ "seats": [4] });
    let (answer, ()) = tokio::join!(sale.ask("k", "wait=3", &wish), worker);
    expect(answer, StatusCode::CREATED).await;
}

#[tokio::test]
async fn waiters_are_gone_when_their_requests_are() {
    let sale = Sale::new().await;
    {
        let wish = json!({ "seats": [1] });
        let waits: Vec<_> = (0..5).map(|n| sale.ask(if n % 2 == 0 { "even" } else { "odd" }, "wait=30", &wish)).collect();
        let mut waits = futures::stream::iter(waits).buffer_unordered(5);
        // Until all five are in the queues; then the clients go away.
        let all = async {
            for _ in 0..5 {
                sale.command().await;
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
    crate::catalog::take(&sale.world, sale.event, &[2], "confirmed").await;
    let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM bookings").fetch_one(&sale.world.pool).await.unwrap();
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
}

#[tokio::test]
async fn a_ticket_is_its_owners_alone_and_comes_once_it_is_printed() {
    let sale = Sale::new().await;
    crate::catalog::take(&sale.world, sale.event, &[2], "confirmed").await;
    sqlx::query("UPDATE bookings SET account = $1").bind(sale.fan.id.0).execute(&sale.world.pool).await.unwrap();
    let booking: uuid::Uuid = sqlx::query_scalar("SELECT id FROM bookings").fetch_one(&sale.world.pool).await.unwrap();
    let ticket = goticket_domain::TicketId::generate();
    sqlx::query("INSERT INTO tickets (id, booking, event, seat, code, issued_at) VALUES ($1, $2, $3, 2, 'CODE', now())")
        .bind(ticket.0)
        .bind(booking)
        .bind(sale.event.0)
        .execute(&sale.world.pool)
        .await
        .unwrap();
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

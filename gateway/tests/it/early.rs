//! What need not be sent is refused at once, and nobody fills the queue alone.

use goticket_contracts::redis_keys::{EventKeys, copies};
use goticket_domain::SeatNo;
use goticket_domain::booking::{BookingState, IdempotencyKey};
use goticket_testkit::eventually;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sqlx::Executor as _;
use uuid::Uuid;

use crate::lanes::{end_hold, hold, take};
use crate::sale::Sale;
use crate::world::{SOON, World, expect, problem};

impl Sale {
    /// Of a fan who may try as often as a test has to.
    async fn of_a_patient_fan() -> Self {
        Self::at(World::with(&[("UNDECIDED_MAX", "1000"), ("REFUSALS_PER_MIN", "1000")]).await).await
    }

    /// The map in Redis is of the time before: the owner would have published it.
    async fn forget_map(&self) {
        let map = EventKeys::new(self.world.redis.prefix(), self.event).seat_map();
        let _: i64 = self.world.redis.query(redis::cmd("DEL").arg(map)).await.unwrap();
    }

    /// Asks under one key after another, until the map is known that refuses it.
    async fn until_refused(&self, body: &Value) -> Response {
        eventually("a request that is refused", SOON, async || {
            let answer = self.ask(&Uuid::new_v4().to_string(), "wait=0", body).await;
            (answer.status() == StatusCode::CONFLICT).then_some(answer)
        })
        .await
    }

    /// Waits until a request waits for whoever has locked the seats' table.
    async fn until_it_looks_at_the_seats(&self) {
        // The tables of other tests' databases have the same numbers.
        let looking = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'taken_seats'::regclass
                          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        eventually("a look at the seats", SOON, async || {
            let waiting: i64 = sqlx::query_scalar(looking).fetch_one(&self.world.pool).await.unwrap();
            (waiting > 0).then_some(())
        })
        .await;
    }

    /// Asks without waiting, as often as it takes until the request is sent.
    async fn until_sent(&self, key: &str, body: &Value) {
        eventually("a request that is sent", SOON, async || {
            (self.ask(key, "wait=0", body).await.status() == StatusCode::ACCEPTED).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn taken_seats_are_refused_before_the_queue_and_their_keys_stay_free() {
    let sale = Sale::of_a_patient_fan().await;
    let held = take(&sale.world, sale.event, &[5], BookingState::Held).await;
    take(&sale.world, sale.event, &[6], BookingState::Confirmed).await;
    let (_, request) = sale.leave_request("mine", &json!({ "seats": [7] })).await;
    hold(&sale.world, &request, request.booking, &[(7, 2_500)]).await;
    sale.forget_map().await;

    let told = problem(sale.ask("a", "wait=30", &json!({ "seats": [4, 5] })).await, 409, "seats_held").await;
    assert!(told["until"].is_string(), "{told}");
    assert_eq!(told["errors"][0]["message"].as_str().unwrap().split(' ').nth(1), Some("5"), "{told}");
    problem(sale.ask("b", "wait=30", &json!({ "seats": [5, 6] })).await, 409, "seats_sold").await;
    let told = problem(sale.until_refused(&json!({ "seats": [7] })).await, 409, "seats_yours").await;
    assert_eq!(told["booking"], json!(request.booking), "{told}");
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM bookings WHERE account = $1")
        .bind(sale.fan.id.0)
        .fetch_one(&sale.world.pool)
        .await
        .unwrap();
    assert_eq!(stored, 1, "nothing is stored of them");

    // The map goes on showing it: nobody has published it again. The database decides.
    end_hold(&sale.world, sale.event, held, BookingState::Expired).await;
    sale.until_sent("a", &json!({ "seats": [4, 5] })).await;
}

#[tokio::test]
async fn a_request_that_may_be_decided_in_this_moment_is_sent_again() {
    let sale = Sale::of_a_patient_fan().await;
    let seats = json!({ "seats": [9] });
    sale.leave_request("k", &seats).await;
    // Perhaps by itself: who asks again must not hear of their own seats that somebody has them.
    take(&sale.world, sale.event, &[9], BookingState::Held).await;
    sale.forget_map().await;
    problem(sale.until_refused(&seats).await, 409, "seats_held").await;
    expect(sale.ask("k", "wait=0", &seats).await, StatusCode::ACCEPTED).await;
}

#[tokio::test]
async fn a_request_that_was_decided_while_its_seats_were_looked_at_gets_its_outcome() {
    let sale = Sale::of_a_patient_fan().await;
    let seats = json!({ "seats": [9] });
    let (_, request) = sale.leave_request("another", &seats).await;
    hold(&sale.world, &request, request.booking, &[(9, 2_500)]).await;
    take(&sale.world, sale.event, &[8], BookingState::Held).await;
    sale.forget_map().await;
    problem(sale.until_refused(&json!({ "seats": [8] })).await, 409, "seats_held").await;

    let mut meanwhile = sale.world.pool.begin().await.unwrap();
    meanwhile.execute("LOCK TABLE taken_seats").await.unwrap();
    let decided = async {
        sale.until_it_looks_at_the_seats().await;
        // Sent at once by another gateway: its booking is the one that has the seats.
        let same = sqlx::query("UPDATE bookings SET key = 'k' WHERE id = $1").bind(request.booking.0);
        same.execute(&mut *meanwhile).await.unwrap();
        meanwhile.commit().await.unwrap();
    };
    let (answer, ()) = tokio::join!(sale.ask("k", "wait=30", &seats), decided);
    let replayed = answer.headers().contains_key("idempotency-replayed");
    assert_eq!(expect(answer, StatusCode::CREATED).await["id"], json!(request.booking));
    assert!(replayed);
}

#[tokio::test]
async fn what_copies_of_a_request_go_on_with_is_not_refused() {
    let sale = Sale::of_a_patient_fan().await;
    take(&sale.world, sale.event, &[8, 9], BookingState::Held).await;
    sale.forget_map().await;
    problem(sale.until_refused(&json!({ "seats": [8] })).await, 409, "seats_held").await;

    let seats = json!({ "seats": [9] });
    let mut meanwhile = sale.world.pool.begin().await.unwrap();
    meanwhile.execute("LOCK TABLE taken_seats").await.unwrap();
    let copy = async {
        sale.until_it_looks_at_the_seats().await;
        let sent = sale.ask("k", "wait=0", &seats).await;
        meanwhile.commit().await.unwrap();
        sent
    };
    let (first, copy) = tokio::join!(sale.ask("k", "wait=0", &seats), copy);
    expect(copy, StatusCode::ACCEPTED).await;
    expect(first, StatusCode::ACCEPTED).await;
}

#[tokio::test]
async fn copies_of_a_refused_request_are_told_the_same() {
    let sale = Sale::of_a_patient_fan().await;
    let (seats, key) = (json!({ "seats": [4, 5] }), IdempotencyKey::parse("k").unwrap());
    let held = take(&sale.world, sale.event, &[5], BookingState::Held).await;
    let told = problem(sale.ask(key.as_str(), "wait=0", &seats).await, 409, "seats_held").await;
    let note = copies(sale.world.redis.prefix(), sale.fan.id, &key);
    // What copies are told is forgotten by itself, but not while this test goes on.
    let persisted: i64 = sale.world.redis.query(redis::cmd("PERSIST").arg(&note)).await.unwrap();
    assert_eq!(persisted, 1);
    end_hold(&sale.world, sale.event, held, BookingState::Expired).await;
    take(&sale.world, sale.event, &[4], BookingState::Confirmed).await;
    sale.forget_map().await;
    eventually("another refusal", SOON, async || {
        let told: Value = sale.until_refused(&seats).await.json().await.unwrap();
        (told["code"] == "seats_sold").then_some(())
    })
    .await;

    let again = problem(sale.ask(key.as_str(), "wait=0", &seats).await, 409, "seats_held").await;
    assert_eq!((&again["errors"], &again["until"]), (&told["errors"], &told["until"]));
    // Nothing is stored under the key: another request may have it.
    expect(sale.ask(key.as_str(), "wait=0", &json!({ "seats": [6] })).await, StatusCode::ACCEPTED).await;
}

#[tokio::test]
async fn a_section_without_a_free_seat_is_refused_until_one_comes_back() {
    let sale = Sale::of_a_patient_fan().await;
    let best = json!({ "section": 0, "quantity": 1 });
    let map = expect(sale.world.get(&format!("/v1/events/{}/seats", sale.event), None).await, StatusCode::OK).await;
    let seats: Vec<u32> = map["seats"].as_array().unwrap().iter().filter(|seat| seat["section"] == 0).map(no).collect();
    sale.leave_request("free", &best).await;
    let mut last = None;
    for some in seats.chunks(10) {
        last = Some(take(&sale.world, sale.event, some, BookingState::Held).await);
    }
    sale.forget_map().await;
    problem(sale.until_refused(&best).await, 409, "seats_held").await;
    end_hold(&sale.world, sale.event, last.unwrap(), BookingState::Cancelled).await;
    sale.until_sent("again", &best).await;
}

fn no(seat: &Value) -> u32 {
    u32::try_from(seat["no"].as_u64().unwrap()).unwrap()
}

#[tokio::test]
async fn seats_that_are_being_given_away_in_this_moment_are_contended() {
    let sale = Sale::new().await;
    let lock = EventKeys::new(sale.world.redis.prefix(), sale.event).seat_lock(SeatNo(3));
    let _: () = sale.world.redis.query(redis::cmd("SET").arg(&lock).arg("somebody's")).await.unwrap();
    problem(sale.ask("k", "wait=0", &json!({ "seats": [2, 3] })).await, 409, "contended").await;
    let _: i64 = sale.world.redis.query(redis::cmd("DEL").arg(&lock)).await.unwrap();
    expect(sale.ask("another", "wait=0", &json!({ "seats": [2, 3] })).await, StatusCode::ACCEPTED).await;
}

#[tokio::test]
async fn an_event_that_was_closed_is_refused() {
    let sale = Sale::of_a_patient_fan().await;
    sqlx::query("UPDATE events SET status = 'closed' WHERE id = $1").bind(sale.event.0).execute(&sale.world.pool).await.unwrap();
    let told = sale.until_refused(&json!({ "seats": [1] })).await;
    problem(told, 409, "sale_closed").await;
}

#[tokio::test]
async fn an_account_has_so_many_undecided_requests_and_no_more() {
    let sale = Sale::at(World::with(&[("UNDECIDED_MAX", "2")]).await).await;
    let seat = |no: u32| json!({ "seats": [no] });
    let (_, first) = sale.leave_request("1", &seat(1)).await;
    sale.leave_request("2", &seat(2)).await;
    problem(sale.ask("3", "wait=0", &seat(3)).await, 429, "too_many_undecided").await;
    expect(sale.ask("2", "wait=0", &seat(2)).await, StatusCode::ACCEPTED).await;
    // Nobody waited for its outcome: the database knows.
    hold(&sale.world, &first, first.booking, &[(1, 2_500)]).await;
    expect(sale.ask("3", "wait=0", &seat(3)).await, StatusCode::ACCEPTED).await;
    problem(sale.ask("4", "wait=0", &seat(4)).await, 429, "too_many_undecided").await;
    assert_eq!(expect(sale.ask("1", "wait=0", &seat(1)).await, StatusCode::CREATED).await["state"], "held");
}

#[tokio::test]
async fn an_account_is_refused_so_often_in_a_minute_and_no_more() {
    let sale = Sale::at(World::with(&[("REFUSALS_PER_MIN", "2")]).await).await;
    take(&sale.world, sale.event, &[5], BookingState::Held).await;
    for key in ["1", "2"] {
        problem(sale.ask(key, "wait=0", &json!({ "seats": [5] })).await, 409, "seats_held").await;
    }
    let told = sale.ask("3", "wait=0", &json!({ "seats": [8] })).await;
    let wait: u32 = told.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait} s");
    problem(told, 429, "too_many_refusals").await;
}

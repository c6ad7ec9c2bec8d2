//! A key that was decided gets its outcome again, whatever has come between.

use goticket_contracts::redis_keys::copies;
use goticket_domain::booking::{Answer, Outcome, Refusal, RefusalReason};
use goticket_domain::identity::Role;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::lanes::{hold, refuse, reply, request};
use crate::sale::Sale;
use crate::world::{World, expect, problem};

impl Sale {
    /// Asks under the key; the owner of the lane answers so.
    async fn ask_owner(&self, key: &str, seat: u32, replayed: bool, decided: Outcome) -> reqwest::Response {
        let owner = async {
            let (message, _) = self.request().await;
            reply(&self.world, &message, Answer::Decided { decided, replayed }).await;
        };
        let body = json!({ "seats": [seat] });
        let (answer, ()) = tokio::join!(self.ask(key, "wait=30", &body), owner);
        answer
    }

    /// As if the minute were over in which a decided key is known by Redis.
    async fn forget_key(&self, key: &goticket_domain::booking::IdempotencyKey) {
        let known = copies(self.world.redis.prefix(), self.fan.id, key);
        let deleted: i64 = self.world.redis.query(redis::cmd("DEL").arg(known)).await.unwrap();
        assert_eq!(deleted, 1);
    }
}

#[tokio::test]
async fn a_decided_key_is_answered_by_the_database_and_later_by_its_lanes_owner() {
    let sale = Sale::new().await;
    let owner = async {
        let (message, request) = sale.request().await;
        let outcome = hold(&sale.world, &request, request.booking, &[(7, 2_500)]).await;
        reply(&sale.world, &message, Answer::Decided { decided: outcome.clone(), replayed: false }).await;
        (request, outcome)
    };
    let body = json!({ "seats": [7] });
    let (first, (request, outcome)) = tokio::join!(sale.ask("k", "wait=30", &body), owner);
    let booking = expect(first, StatusCode::CREATED).await;

    // Nobody takes it from the queue.
    let again = sale.ask("k", "wait=30", &body).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(expect(again, StatusCode::CREATED).await, booking);

    sale.forget_key(&request.key).await;
    let later = sale.ask_owner("k", 7, true, outcome).await;
    assert_eq!(later.headers()["idempotency-replayed"], "true");
    assert_eq!(expect(later, StatusCode::CREATED).await, booking);
}

#[tokio::test]
async fn a_refusal_counts_once_however_often_it_is_told() {
    let sale = Sale::at(World::with(&[("REFUSALS_PER_MIN", "2")]).await).await;
    let asked = request(sale.event, sale.fan.id, &[7]);
    let outcome = refuse(&sale.world, &asked, asked.booking, Refusal::from(RefusalReason::LimitReached)).await;
    let key = asked.key.as_str();
    problem(sale.ask_owner(key, 7, false, outcome.clone()).await, 409, "limit_reached").await;
    for _ in 0..3 {
        sale.forget_key(&asked.key).await;
        problem(sale.ask_owner(key, 7, true, outcome.clone()).await, 409, "limit_reached").await;
    }
    // One more is allowed, and that is the last.
    let other = request(sale.event, sale.fan.id, &[8]);
    let refused = refuse(&sale.world, &other, other.booking, Refusal::from(RefusalReason::LimitReached)).await;
    problem(sale.ask_owner(other.key.as_str(), 8, false, refused).await, 409, "limit_reached").await;
    problem(sale.ask("new", "wait=2", &json!({ "seats": [9] })).await, 429, "too_many_refusals").await;

    // What was decided is told at the limit, too.
    sale.forget_key(&asked.key).await;
    let told = sale.ask(key, "wait=2", &json!({ "seats": [7] })).await;
    assert_eq!(told.headers()["idempotency-replayed"], "true");
    problem(told, 409, "limit_reached").await;
}

#[tokio::test]
async fn a_decided_key_is_answered_without_the_broker() {
    let (world, links) = World::behind_links().await;
    let (organizer, fan) = (world.person(Role::Organizer).await, world.person(Role::User).await);
    let event = world.event(&organizer).await;
    let asked = request(event, fan.id, &[7]);
    hold(&world, &asked, asked.booking, &[(7, 2_500)]).await;
    links.amqp.cut();
    let again = world
        .request(Method::POST, &format!("/v1/events/{event}/bookings"), Some(&fan))
        .header("Entry-Token", world.entry_token(event, &fan))
        .header("Idempotency-Key", asked.key.as_str())
        .header("Prefer", "wait=2")
        .json(&json!({ "seats": [7] }));
    assert_eq!(expect(again.send().await.unwrap(), StatusCode::CREATED).await["id"], asked.booking.to_string());
}

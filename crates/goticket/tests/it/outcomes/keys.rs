//! One key, one outcome: repeated at once, later, from elsewhere, with something else in it.

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::api::{Answer, Api};
use crate::world::fan::{Fan, Outcome, new_key};
use crate::world::onsale::Wish;
use crate::world::{ONE_PROCESS, World};

/// Connections the same request comes over at once.
const AT_ONCE: usize = 8;

#[tokio::test]
async fn a_replayed_key_gets_the_stored_outcome() {
    let mut world = World::of(ONE_PROCESS).await;
    let event = world.publish(&Wish { ticket_limit: 4, ..Wish::default() }).await;
    let fans = world.shoppers(&event, 2).await;
    let (fan, other) = (&fans[0], &fans[1]);
    let wish = json!({ "section": event.section("Stalls").no, "quantity": 2 });

    let key = new_key();
    let answers = at_once(fan, &key, &wish).await;
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body());
        assert_eq!(answer.body(), answers[0].body());
        assert_eq!(answer.headers["location"], answers[0].headers["location"]);
    }
    assert_eq!(replayed(&answers), AT_ONCE - 1);
    let booking = answers[0].body()["id"].as_str().unwrap().to_owned();
    assert_eq!(fan.booking(&booking).await.seats.len(), 2);

    // Another wish under the same key is a mistake of the client's; the same key of another account is another key.
    let changed = fan.ask(&key, &json!({ "section": event.section("Stalls").no, "quantity": 1 })).answer().await;
    changed.expect_problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused");
    let Outcome::Held(others) = other.outcome(&key, &wish).await else { panic!("refused") };
    assert_ne!(others.id, booking);

    // A refusal is an outcome, too: it stays when the reason is gone.
    let (refused, taken) = (new_key(), json!({ "seats": others.numbers() }));
    assert_eq!(fan.outcome(&refused, &taken).await, Outcome::Refused("held".to_owned()));
    stored_refusals_stay(fan, other, &others.id, &taken).await;
    world.assert_clean().await;
}

/// The limit refuses in the worker, under a key that then keeps its refusal.
async fn stored_refusals_stay(fan: &Fan, other: &Fan, others: &str, taken: &Value) {
    let (greedy, wish) = (new_key(), json!({ "section": 0, "quantity": 3 }));
    let answers = at_once(fan, &greedy, &wish).await;
    for answer in &answers {
        answer.expect_problem(StatusCode::CONFLICT, "limit_reached");
    }
    other.cancel(others).await;
    let again = fan.ask(&greedy, &wish).answer().await;
    again.expect_problem(StatusCode::CONFLICT, "limit_reached");
    assert_eq!(again.headers["idempotency-replayed"], "true");
    // Under a new key the world is as it is now.
    assert!(matches!(fan.outcome(&new_key(), taken).await, Outcome::Held(_)));
}

/// The same request over connections of its own each.
async fn at_once(fan: &Fan, key: &str, wish: &Value) -> Vec<Answer> {
    let clients: Vec<Fan> = (0..AT_ONCE).map(|_| Fan { api: Api::new(fan.api.base().to_owned()), ..fan.clone() }).collect();
    join_all(clients.iter().map(|client| client.ask(key, wish).answer())).await
}

fn replayed(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.headers.get("idempotency-replayed").is_some_and(|value| value == "true")).count()
}

//! SIGTERM drains: what is in flight is finished or goes back to its queue, nothing new is begun, and the process says it went well.

use futures::future::join_all;
use goticket_testkit::eventually;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Executor as _, Row as _};

use crate::world::World;
use crate::world::api::{Api, Call};
use crate::world::fan::{Outcome, SOON, new_key};
use crate::world::onsale::Wish;

const APART: &[&str] = &["sandbox", "admission", "expiry,relay,notifier,pdf,mail,payments", "booking", "gateway"];

#[tokio::test]
async fn the_gateway_finishes_what_is_in_flight_and_takes_nothing_new() {
    let mut world = World::of(APART).await;
    let event = world.publish(&Wish::default()).await;
    let fans = world.shoppers(&event, 4).await;

    // Nobody decides while the worker stands still: the requests wait in the gateway.
    world.deployment.pause("booking").unwrap();
    let asking: Vec<_> =
        (0..).zip(&fans).map(|(n, fan)| fan.ask(&new_key(), &json!({ "seats": [event.seat("Stalls", n)] }))).collect();
    let asking = tokio::spawn(join_all(asking.into_iter().map(Call::answer)));
    eventually("four requests in flight", SOON, async || (world.waiters().await >= 4.0).then_some(())).await;

    world.deployment.begin_termination("gateway").unwrap();
    eventually("a closed door", SOON, async || {
        // A client of its own: it must open a new connection.
        let newcomer = Api::new(world.api.base().to_owned());
        newcomer.get("/healthz").send().await.is_err().then_some(())
    })
    .await;
    // Nobody is kept waiting for what others do: what was accepted is said to be accepted, with the place to look.
    let answers = asking.await.unwrap();
    world.deployment.ended("gateway").await.unwrap();
    world.deployment.resume("booking").unwrap();
    world.deployment.start("gateway").unwrap();
    world.deployment.ready().await.unwrap();
    for (fan, answer) in fans.iter().zip(answers) {
        let accepted: Value = answer.expect(StatusCode::ACCEPTED);
        assert_eq!(fan.until(accepted["id"].as_str().unwrap(), |booking| booking.state != "pending").await.state, "held");
    }
    world.assert_clean().await;
    world.deployment.stop().await.unwrap();
}

#[tokio::test]
async fn the_booking_worker_commits_its_batch_or_gives_it_back() {
    let mut world = World::of(APART).await;
    let event = world.publish(&Wish::default()).await;
    let fans = world.shoppers(&event, 20).await;

    // A batch is held up in the middle of its transaction, and more commands wait behind it.
    let mut blocker = world.db.begin().await.unwrap();
    blocker.execute("LOCK TABLE bookings IN EXCLUSIVE MODE").await.unwrap();
    let section = event.section("Stalls").no;
    let wish = json!({ "section": section, "quantity": 1 });
    let asked = fans.iter().map(|fan| fan.ask_waiting(&new_key(), &wish, 0).answer());
    let accepted: Vec<String> = join_all(asked)
        .await
        .iter()
        .map(|answer| answer.expect::<Value>(StatusCode::ACCEPTED)["id"].as_str().unwrap().to_owned())
        .collect();
    eventually("a batch that is held up", SOON, async || {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'bookings'::regclass";
        let waiting: i64 = sqlx::query(waiting).fetch_one(&world.db).await.unwrap().get(0);
        (waiting > 0).then_some(())
    })
    .await;
    world.deployment.begin_termination("booking").unwrap();
    blocker.rollback().await.unwrap();
    world.deployment.ended("booking").await.unwrap();

    world.deployment.start("booking").unwrap();
    for (fan, id) in fans.iter().zip(&accepted) {
        let decided = fan.until(id, |booking| booking.state != "pending").await;
        assert_eq!(decided.state, "held");
    }
    let Outcome::Held(_) = fans[0].outcome(&new_key(), &wish).await else { panic!("the next worker decides nothing new") };
    world.assert_clean().await;
}

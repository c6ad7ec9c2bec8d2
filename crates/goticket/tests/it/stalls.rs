//! A booking process stands still for longer than its lease: another one takes its lanes, and what it wakes up with comes too late.

use goticket_testkit::{Link, TestBed, eventually};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::Row as _;

use crate::world::World;
use crate::world::fan::{Fan, SOON, new_key};
use crate::world::onsale::Wish;

const OTHERS: &[&str] = &["sandbox", "admission", "expiry,relay,notifier,pdf,mail,payments", "gateway"];
const DECIDES: [&str; 2] = ["booking-1", "booking-2"];

/// The shortest lease there is. What a process has in hand goes back to its queue when it is heard of again, or after two of these
/// heartbeats: long after its lease.
const SETTINGS: &[(&str, &str)] = &[("WORKERS__LANES__LEASE_MS", "2000"), ("AMQP__HEARTBEAT_S", "60")];

#[tokio::test]
async fn a_process_that_stands_still_loses_its_lanes_and_its_late_batch_writes_nothing() {
    let bed = TestBed::new().await;
    let mut world = World::on(bed, OTHERS, SETTINGS).await;
    let mut links = Vec::new();
    for name in DECIDES {
        let mut url = world.deployment.bed.postgres_url.clone();
        links.push(Link::before(&mut url).await.unwrap());
        world.deployment.start_as(name, "booking", &[("POSTGRES__URL".to_owned(), url)]).unwrap();
    }
    let event = world.publish(&Wish::default()).await;
    let fans = world.shoppers(&event, 4).await;
    eventually("two of four lanes each", SOON, async || (shares(&world).await == [2, 2]).then_some(())).await;
    let owner = owner(&world, &links, &fans[0], event.seat("Stalls", 0)).await;

    // The owner has decided this; on its way to the database it stands still, and its batch with it.
    let (late, early) = (format!("late-{}", new_key()), new_key());
    links[owner].delay_request(late.as_bytes());
    let accepted: Value = ask_and_leave(&fans[1], &late, event.seat("Stalls", 4)).await;
    eventually("a batch on its way", SOON, async || (links[owner].caught() == 2).then_some(())).await;
    world.deployment.pause(DECIDES[owner]).unwrap();

    // The other one takes over, and the batch comes.
    eventually("all lanes with the other one", SOON, async || (shares(&world).await == [4]).then_some(())).await;
    let before: String = sqlx::query_scalar("SELECT clock_timestamp()::text").fetch_one(&world.db).await.unwrap();
    links[owner].restore();
    eventually("the late batch in the database", SOON, async || (heard_since(&world, &before).await > 0).then_some(())).await;
    let stored = "SELECT count(*) FROM bookings WHERE key = $1";
    let stored: i64 = sqlx::query_scalar(stored).bind(&late).fetch_one(&world.db).await.unwrap();
    assert_eq!(stored, 0, "another process owns the lane");
    let next: Value = ask_and_leave(&fans[2], &early, event.seat("Stalls", 8)).await;
    assert_eq!(fans[2].until_state(next["id"].as_str().unwrap(), "held").await.numbers(), [event.seat("Stalls", 8)]);

    // Awake, it gives back what it had in hand, and has its share again.
    world.deployment.resume(DECIDES[owner]).unwrap();
    let decided = fans[1].until_state(accepted["id"].as_str().unwrap(), "held").await;
    assert_eq!(decided.numbers(), [event.seat("Stalls", 4)]);
    eventually("two of four lanes each again", SOON, async || (shares(&world).await == [2, 2]).then_some(())).await;
    fans[3].hold(&[event.seat("Stalls", 12)]).await;
    for (fan, key) in [(&fans[1], &late), (&fans[2], &early)] {
        let outcomes = sqlx::query("SELECT count(*), count(DISTINCT id) FROM bookings WHERE account = $1::uuid AND key = $2")
            .bind(&fan.account)
            .bind(key)
            .fetch_one(&world.db)
            .await
            .unwrap();
        assert_eq!((outcomes.get::<i64, _>(0), outcomes.get::<i64, _>(1)), (1, 1));
    }
    world.assert_clean().await;
}

async fn ask_and_leave(fan: &Fan, key: &str, seat: u32) -> Value {
    fan.ask_waiting(key, &json!({ "seats": [seat] }), 0).answer().await.expect(StatusCode::ACCEPTED)
}

/// How many lanes each process decides.
async fn shares(world: &World) -> Vec<i64> {
    let shares = "SELECT count(*) FROM lanes WHERE owner IS NOT NULL GROUP BY owner ORDER BY 1";
    sqlx::query_scalar(shares).fetch_all(&world.db).await.unwrap()
}

/// Whose link the batch of a request goes over: that is whose lane it is.
async fn owner(world: &World, links: &[Link], fan: &Fan, seat: u32) -> usize {
    let key = new_key();
    for link in links {
        link.delay_request(key.as_bytes());
    }
    let accepted = ask_and_leave(fan, &key, seat).await;
    let owner = eventually("the owner's batch", SOON, async || links.iter().position(|link| link.caught() == 1)).await;
    links.iter().for_each(Link::restore);
    fan.until_state(accepted["id"].as_str().unwrap(), "held").await;
    assert_eq!(shares(world).await, [2, 2], "it was not away for long");
    owner
}

/// How many batches the database has been told since.
async fn heard_since(world: &World, moment: &str) -> i64 {
    let heard = "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND query LIKE '%require(count(*), 1, ''fence'')%' AND pid <> pg_backend_pid() AND state LIKE 'idle%'
                   AND query_start > $1::timestamptz";
    sqlx::query_scalar(heard).bind(moment).fetch_one(&world.db).await.unwrap()
}

//! Redis forgets everything in the middle of a sale.

use std::collections::BTreeSet;

use goticket_testkit::eventually;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{PROCESSES, SOME};
use crate::world::World;
use crate::world::api::PATIENCE;
use crate::world::fan::Fan;
use crate::world::onsale::{Event, Wish};
use crate::world::sale::Sale;

#[tokio::test]
async fn redis_forgets_everything_and_nobody_loses_a_place_or_a_seat() {
    let mut world = World::of(PROCESSES).await;
    let event = world.publish(&Wish::default()).await;
    let buying = world.fans(&event, 10).await;
    let sale = Sale::begin_endless(&event, buying);
    sale.until_entered(10).await;

    // The door stands still; those who come now wait in the order of their coming.
    operate(&world, &event, json!({ "state": "paused", "reason": "rehearsal" })).await;
    let mut waiting = world.fans(&event, 8).await;
    for fan in &mut waiting {
        fan.join().await;
    }
    sale.until_decided(SOME).await;
    let before = world.forget().await;
    assert!(before > 0);
    sale.until_decided(sale.decided() + SOME).await;
    world.forget().await;

    let places = in_order(&waiting).await;
    assert_eq!(places, (0..8).collect::<Vec<u64>>(), "places were lost or changed");
    operate(&world, &event, json!({ "state": "open", "reason": "rehearsal is over" })).await;
    for fan in &mut waiting {
        fan.claim().await;
    }
    sale.until_decided(sale.decided() + SOME).await;
    let ledger = sale.end().await;
    world.assert_told_the_truth(&ledger).await;
    the_map_is_true(&world, &waiting[0]).await;
    world.assert_clean().await;
}

async fn operate(world: &World, event: &Event, change: Value) {
    let path = format!("/v1/events/{}/queue/control", event.id);
    let control: Value =
        world.api.call(Method::PATCH, &path).token(&world.organizer).json(&change).patiently().await.expect(StatusCode::OK);
    assert_eq!(control["state"], change["state"]);
}

/// How many stand before each, once everybody has shown their ticket again.
async fn in_order(waiting: &[Fan]) -> Vec<u64> {
    eventually("everybody back in line", PATIENCE, async || {
        let mut places = Vec::new();
        for fan in waiting {
            let answer = fan.queue(Method::GET, "/place?exact=true").patiently().await;
            places.push(answer.expect::<Value>(StatusCode::OK)["location"]["ahead"].as_u64()?);
        }
        // Until the last one is back, those behind a gap seem nearer to the front than they are.
        (places.iter().collect::<BTreeSet<_>>().len() == waiting.len()).then_some(places)
    })
    .await
}

/// The map, rebuilt from nothing, shows what the database says.
async fn the_map_is_true(world: &World, fan: &Fan) {
    let truth = "SELECT string_agg(coalesce((SELECT CASE b.state WHEN 'confirmed' THEN '2' ELSE '1' END
                          FROM taken_seats t JOIN bookings b ON b.id = t.booking
                         WHERE t.event = s.event AND t.seat = s.no), '0'), '' ORDER BY s.no)
                   FROM seats s WHERE s.event = $1::uuid";
    eventually("a seat map that shows the truth", PATIENCE, async || {
        let truth: String = sqlx::query_scalar(truth).bind(&fan.event).fetch_one(&world.db).await.unwrap();
        (fan.seat_states().await == truth).then_some(())
    })
    .await;
}

impl World {
    /// What FLUSHALL is to a deployment that shares its server with others: every key of its own is gone at once, and every script.
    async fn forget(&self) -> i64 {
        let client = redis::Client::open(self.deployment.bed.redis_url.as_str()).unwrap();
        let mut redis = client.get_multiplexed_async_connection().await.unwrap();
        let forget = "local keys = redis.call('KEYS', ARGV[1] .. '*')
                      for _, key in ipairs(keys) do redis.call('UNLINK', key) end
                      return #keys";
        let forgotten = redis::Script::new(forget).arg(&self.deployment.bed.redis_prefix).invoke_async(&mut redis).await.unwrap();
        let _: () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut redis).await.unwrap();
        forgotten
    }
}

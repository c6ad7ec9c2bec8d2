//! Rooms on a Redis Cluster of three nodes, one of which dies and comes back empty.

use std::collections::BTreeMap;

use goticket_testkit::{RedisCluster, TestBed};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::fan::card;
use crate::world::onsale::{Event, Wish};
use crate::world::{ONE_PROCESS, World};

const WAITING: u32 = 5;

/// More events than it takes until every node has one.
const EVENTS_MAX: usize = 60;

#[tokio::test]
async fn a_node_of_the_cluster_that_dies_costs_no_place_and_the_other_nodes_events_go_on() {
    let mut cluster = RedisCluster::start().await.unwrap();
    let mut bed = TestBed::new().await;
    bed.redis_url = cluster.url();
    let nodes = cluster.addresses().join(",");
    let mut world = World::on(bed, ONE_PROCESS, &[("REDIS__CLUSTER_NODES", &nodes)]).await;

    let mut events: BTreeMap<usize, Event> = BTreeMap::new();
    for _ in 0..EVENTS_MAX {
        if events.len() == 3 {
            break;
        }
        let event = world.publish(&Wish::default()).await;
        let key = format!("{}{{{}}}:room", world.deployment.bed.redis_prefix, event.id);
        events.insert(cluster.node_of(&key).await.unwrap(), event);
    }
    for event in events.values() {
        buys_a_seat(&mut world, event, 0).await;
    }
    let hit = events[&1].clone();
    operate(&world, &hit, "paused").await;
    let mut line = world.fans(&hit, WAITING).await;
    for fan in &mut line {
        fan.join().await;
    }

    cluster.kill(1).unwrap();
    for node in [0, 2] {
        buys_a_seat(&mut world, &events[&node], 1).await;
    }
    cluster.start_again(1).await.unwrap();
    for (ahead, fan) in (0..).zip(&line) {
        let answer = fan.queue(Method::GET, "/place?exact=true").patiently().await;
        assert_eq!(answer.expect::<Value>(StatusCode::OK)["location"]["ahead"], ahead);
    }
    operate(&world, &hit, "open").await;
    for fan in &mut line {
        fan.claim().await;
    }
    buys_a_seat(&mut world, &hit, 1).await;
    world.assert_clean().await;
}

async fn buys_a_seat(world: &mut World, event: &Event, nth: u32) {
    let fan = world.shopper(event).await;
    let booking = fan.hold(&[event.sections[0].first_seat + nth]).await;
    fan.buy(&booking.id, card::PAYS).await;
}

async fn operate(world: &World, event: &Event, state: &str) {
    let path = format!("/v1/events/{}/queue/control", event.id);
    let change = json!({ "state": state, "reason": "rehearsal" });
    let call = world.api.call(Method::PATCH, &path).token(&world.organizer).json(&change);
    let control: Value = call.patiently().await.expect(StatusCode::OK);
    assert_eq!(control["state"], state);
}

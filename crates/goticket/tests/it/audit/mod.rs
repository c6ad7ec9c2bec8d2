//! The audit's own negative controls: it goes red for every kind of damage, and is green without it.

mod copies;
mod damages;
mod plans;

use std::collections::BTreeSet;

use goticket_testkit::TestBed;
use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueuePurgeOptions};
use serde_json::{Value, json};

use self::copies::Copies;
use self::damages::DAMAGES;
use crate::world::fan::{card, new_key};
use crate::world::onsale::{Event, Wish};
use crate::world::{ONE_PROCESS, World};

/// Queues in which one message is left, the check that must find it, and what it says.
const QUEUES: [(&str, &str, &str); 3] = [
    ("goticket.lane.0.requests", "requests are decided", "goticket.lane.0.requests, still undecided: 1"),
    ("goticket.lane.3.lifecycle", "requests are decided", "goticket.lane.3.lifecycle, still undecided: 1"),
    ("goticket.dead", "no dead letters", "goticket.dead: 1"),
];

/// Everything that was sold is older than what the outbox keeps, and so are the domain events that tell of it.
const AGED: &str = "UPDATE bookings SET decided_at = decided_at - interval '30 days';
     UPDATE payments SET created_at = created_at - interval '30 days';
     UPDATE outbox SET written_at = written_at - interval '30 days'";

#[tokio::test]
async fn the_audit_finds_every_kind_of_damage_and_exits_with_1() {
    let mut world = World::of(ONE_PROCESS).await;
    let event = sold(&mut world).await;
    world.assert_clean().await;
    // Nobody repairs or publishes anything from here on, and nobody stands in the way of copying the database.
    world.deployment.stop().await.unwrap();
    world.db.close().await;
    let mut copies = Copies::of(&world.deployment.bed.postgres_url);

    let mut checks = BTreeSet::new();
    for (check, others, damage) in DAMAGES {
        let report = audit_of(&world, &event, &copies.with(damage).await).await;
        let due = others.iter().chain([check]).map(|check| (*check).to_owned()).collect();
        assert_eq!(failing(&report), due, "after {damage}");
        checks.insert((*check).to_owned());
    }
    let connection = world.broker().await;
    let broker = connection.create_channel().await.unwrap();
    broker.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    for (queue, check, said) in QUEUES {
        let options = BasicPublishOptions::default();
        let stored = broker.basic_publish("".into(), queue.into(), options, b"a command", BasicProperties::default());
        stored.await.unwrap().await.unwrap();
        let report = audit(&world, &event, &[]).await;
        assert_eq!(failing(&report), BTreeSet::from([check.to_owned()]));
        let found = report["checks"].as_array().unwrap().iter().find(|found| name(found) == check).unwrap();
        assert_eq!(found["named"], json!([said]));
        broker.queue_purge(queue.into(), QueuePurgeOptions::default()).await.unwrap();
        checks.insert(check.to_owned());
    }
    let healthy = audit(&world, &event, &[]).await;
    assert_eq!(failing(&healthy), BTreeSet::new());
    let all: BTreeSet<String> = healthy["checks"].as_array().unwrap().iter().map(name).collect();
    assert_eq!(checks, all, "every check has its damage");

    what_the_outbox_no_longer_keeps_is_left_out(&world, &event, &mut copies).await;
    copies.drop_all().await;
}

#[tokio::test]
async fn before_anything_is_sold_there_is_nothing_to_find() {
    let world = World::prepare(TestBed::new().await, &[]).await;
    let output = world.deployment.try_command(&["audit"], &[]).await.unwrap();
    assert!(output.success, "{}", output.stdout);
}

/// One booking for every way it can go.
async fn sold(world: &mut World) -> Event {
    let event = world.publish(&Wish { ticket_limit: 6, ..Wish::default() }).await;
    let fans = world.shoppers(&event, 5).await;

    // Held, and a request too many.
    fans[0].hold(&[event.seat("Stalls", 5)]).await;
    fans[0].outcome(&new_key(), &json!({ "section": event.section("Stalls").no, "quantity": 6 })).await;

    // Confirmed: the first card is declined, the second one pays the same attempt.
    let bought = fans[1].hold(&[event.seat("Stalls", 0)]).await;
    let page = fans[1].checkout(&bought.id).await;
    fans[1].card(&page, card::DECLINES).await;
    world.until_payments(&bought.id, &["declined"]).await;
    fans[1].card(&page, card::PAYS).await;
    fans[1].until_state(&bought.id, "confirmed").await;

    let cancelled = fans[2].hold(&[event.seat("Circle", 0)]).await;
    fans[2].cancel(&cancelled.id).await;

    let expired = fans[3].hold(&[event.seat("Circle", 10)]).await;
    world.run_out(&expired.id).await;
    fans[3].until_state(&expired.id, "expired").await;

    // Confirmed after it had expired: its seats were still free.
    let late = fans[4].hold(&[event.seat("Circle", 20), event.seat("Circle", 21)]).await;
    let page = fans[4].checkout(&late.id).await;
    world.run_out(&late.id).await;
    fans[4].until_state(&late.id, "expired").await;
    fans[4].card(&page, card::PAYS).await;
    fans[4].until_state(&late.id, "confirmed").await;
    event
}

async fn what_the_outbox_no_longer_keeps_is_left_out(world: &World, event: &Event, copies: &mut Copies) {
    // Neither dropped rows nor records that Kafka has forgotten are missing then.
    let forgotten = format!(
        "{AGED}; DELETE FROM outbox o USING lanes l WHERE l.lane = o.lane AND o.position <= l.position - 3;
         UPDATE outbox SET id = gen_random_uuid()"
    );
    let report = audit_of(world, event, &copies.with(&forgotten).await).await;
    assert_eq!(failing(&report), BTreeSet::new());
    assert_eq!(report["left_out"], json!({ "requests": 6, "payments": 2, "events": 3 }));
    assert_eq!(report["events_committed"], 0);

    // What the relay never published is missing at any age.
    let stuck = format!("{forgotten}; UPDATE outbox_cursors SET position = 0");
    let report = audit_of(world, event, &copies.with(&stuck).await).await;
    assert_eq!(failing(&report), BTreeSet::from(["committed is published".to_owned()]));
}

/// The audit of a copy of the database.
async fn audit_of(world: &World, event: &Event, postgres_url: &str) -> Value {
    audit(world, event, &[("GOTICKET__POSTGRES__URL", postgres_url)]).await
}

async fn audit(world: &World, event: &Event, env: &[(&str, &str)]) -> Value {
    let output = world.deployment.try_command(&["audit", "--json", "--event", &event.id], env).await.unwrap();
    let report: Option<serde_json::Result<Value>> = serde_json::Deserializer::from_str(&output.stdout).into_iter().next();
    let Some(Ok(report)) = report else { panic!("no report: {}", output.stdout) };
    assert_eq!(report["ok"].as_bool(), Some(output.success));
    assert_eq!(output.success, failing(&report).is_empty());
    report
}

fn failing(report: &Value) -> BTreeSet<String> {
    report["checks"].as_array().unwrap().iter().filter(|check| check["violations"] != 0).map(name).collect()
}

fn name(check: &Value) -> String {
    check["name"].as_str().unwrap().to_owned()
}

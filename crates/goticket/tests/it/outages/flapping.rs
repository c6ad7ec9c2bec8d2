//! A broker that comes and goes: a connection and a channel closed by force, restarts in a row. Whoever asks is told to come back, and in
//! time; afterwards every consumer is there once.

use std::time::{Duration, Instant};

use goticket_testkit::{Server, Stack, TestBed, VirtualHost, eventually};
use reqwest::StatusCode;
use serde_json::json;

use super::{PROCESSES, SOME};
use crate::world::World;
use crate::world::api::PATIENCE;
use crate::world::fan::{Fan, new_key};
use crate::world::onsale::Wish;
use crate::world::sale::Sale;

const RESTARTS: usize = 3;

/// `amqp.confirm_timeout_ms` is 5 s; the rest is the machine's.
const IN_TIME: Duration = Duration::from_secs(8);

#[tokio::test]
async fn a_flapping_broker_costs_no_outcome_and_leaves_every_consumer_once() {
    let Some(mut stack) = Stack::with_own_broker().await.unwrap() else { return };
    let bed = TestBed::in_stack(&stack).await.unwrap();
    let host = stack.virtual_host(&bed).unwrap();
    let mut world = World::on(bed, PROCESSES, &[]).await;
    let event = world.publish(&Wish::default()).await;
    let asking = world.shopper(&event).await;
    let buying = world.fans(&event, 8).await;
    let sale = Sale::begin_endless(&event, buying);
    sale.until_decided(SOME).await;
    let consumers = stack.consumers(&host).await.unwrap();
    assert!(consumers.len() > 8, "both queues of four lanes, and those of the tasks: {consumers:?}");

    for connection in ["goticket booking (consuming)", "goticket booking (publishing)", "gateway (publishing)"] {
        eventually("a connection to close", PATIENCE, async || {
            (host.close_connections(connection).await.unwrap() > 0).then_some(())
        })
        .await;
        sale.until_decided(sale.decided() + SOME).await;
    }
    until_there_again(&stack, &host, &consumers).await;
    stack.close_consuming_channel(&host).await.unwrap();
    until_there_again(&stack, &host, &consumers).await;
    sale.until_decided(sale.decided() + SOME).await;

    stack.write_declarations_down().await.unwrap();
    for _ in 0..RESTARTS {
        stack.kill(Server::RabbitMq).unwrap();
        is_sent_away_in_time(&asking).await;
        stack.start_again(Server::RabbitMq).await.unwrap();
        stack.elect_leaders(&host).await.unwrap();
        // Now and then it dies again before everybody is back.
        sale.until_decided(sale.decided() + 1).await;
    }
    sale.until_decided(sale.decided() + SOME).await;
    until_there_again(&stack, &host, &consumers).await;
    let ledger = sale.end().await;
    world.assert_told_the_truth(&ledger).await;
    world.assert_clean().await;
    world.deployment.stop().await.unwrap();
    drop(world);
    stack.stop().await.unwrap();
}

async fn until_there_again(stack: &Stack, host: &VirtualHost, consumers: &std::collections::BTreeMap<String, usize>) {
    eventually("every consumer once", PATIENCE, async || (stack.consumers(host).await.unwrap() == *consumers).then_some(()))
        .await;
}

/// Nothing takes the request: the fan learns of it while they still look at the page.
async fn is_sent_away_in_time(fan: &Fan) {
    for _ in 0..3 {
        let begun = Instant::now();
        let answer = fan.ask(&new_key(), &json!({ "section": 0, "quantity": 1 })).answer().await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body());
        assert!(answer.headers.contains_key("retry-after"), "{}", answer.body());
        assert!(begun.elapsed() < IN_TIME, "told after {:?}", begun.elapsed());
    }
}

//! RabbitMQ: the publisher tells the truth, consumers come back.

use std::time::Duration;

use futures::future::join_all;
use goticket_contracts::amqp::{CommandKind, Names, booking_topology, task_topology};
use goticket_domain::lane::{LaneCount, LaneNo};
use goticket_platform::{
    amqp::{self, Amqp, Delivery, PublishError, Publisher, persistent},
    config::AmqpConfig,
};
use goticket_testkit::{TestBed, eventually};
use lapin::{options::QueueDeclareOptions, types::FieldTable};
use serde::Deserialize;

use crate::{SOON, config, config_with};

#[derive(Deserialize)]
struct Config {
    amqp: AmqpConfig,
}

fn lanes() -> LaneCount {
    LaneCount::new(3).unwrap()
}

async fn connect(bed: &TestBed) -> Amqp {
    amqp::connect(&config::<Config>(bed).amqp, "platform test").await.unwrap()
}

async fn queue(amqp: &Amqp, name: &str) {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let channel = amqp.channel().await.unwrap();
    channel.queue_declare(name.into(), options, FieldTable::default()).await.unwrap();
}

async fn depth(amqp: &Amqp, name: &str) -> u32 {
    amqp.waiting(name).await.unwrap().unwrap()
}

async fn publish(publisher: &Publisher, queue: &str, text: &str) -> Result<(), PublishError> {
    publisher.publish("", queue, persistent(), text.as_bytes().to_vec()).await
}

#[tokio::test]
async fn hundreds_of_publishes_in_flight_are_all_confirmed() {
    let bed = TestBed::new().await;
    let amqp = connect(&bed).await;
    queue(&amqp, "q").await;
    let publisher = amqp.publisher();
    let outcomes = join_all((0..800).map(|n| {
        let publisher = publisher.clone();
        async move { publish(&publisher, "q", &n.to_string()).await }
    }))
    .await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(depth(&amqp, "q").await, 800);
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_told_from_an_empty_one() {
    let bed = TestBed::new().await;
    let amqp = connect(&bed).await;
    assert_eq!(amqp.waiting("q").await.unwrap(), None);
    queue(&amqp, "q").await;
    assert_eq!(amqp.waiting("q").await.unwrap(), Some(0));
    publish(&amqp.publisher(), "q", "x").await.unwrap();
    assert_eq!(amqp.waiting("q").await.unwrap(), Some(1));
}

#[tokio::test]
async fn what_no_queue_takes_is_unroutable_and_nothing_else_is() {
    let bed = TestBed::new().await;
    let amqp = connect(&bed).await;
    queue(&amqp, "q").await;
    let publisher = amqp.publisher();
    // Returned and stored messages mixed on one channel, from several threads: each caller gets its own outcome.
    let outcomes = join_all((0..600).map(|n| {
        let publisher = publisher.clone();
        let routable = n % 3 != 0;
        tokio::spawn(async move {
            let outcome = publish(&publisher, if routable { "q" } else { "nowhere" }, "x").await;
            (routable, outcome)
        })
    }))
    .await;
    for outcome in outcomes {
        let (routable, outcome) = outcome.unwrap();
        assert_eq!(outcome, if routable { Ok(()) } else { Err(PublishError::Unroutable) });
    }
    assert_eq!(depth(&amqp, "q").await, 400);
}

#[tokio::test]
async fn a_full_queue_refuses_and_keeps_what_it_has_and_others_go_on() {
    const LENGTH_MAX: u32 = 10;
    let bed = TestBed::new().await;
    let amqp = connect(&bed).await;
    let names = Names::new(amqp.prefix());
    let mut topology = booking_topology(&names, lanes());
    for queue in &mut topology.queues {
        queue.max_length = queue.max_length.map(|_| LENGTH_MAX);
    }
    amqp.declare(&topology).await.unwrap();
    let publisher = amqp.publisher();
    let lane = LaneNo(1);
    let send = async |kind: CommandKind| {
        publisher.publish(&names.commands_exchange(), &kind.routing_key(lane), persistent(), b"x".to_vec()).await
    };
    let mut taken = 0;
    while send(CommandKind::Requests).await == Ok(()) {
        taken += 1;
        assert!(taken <= LENGTH_MAX + 1, "the bound bounds nothing");
    }
    assert_eq!(send(CommandKind::Requests).await, Err(PublishError::Nacked));
    assert!(taken >= LENGTH_MAX && depth(&amqp, &names.lane_queue(lane, CommandKind::Requests)).await == taken, "{taken} taken");
    assert_eq!(send(CommandKind::Lifecycle).await, Ok(()), "what becomes of bookings has a bound of its own");
    assert_eq!(depth(&amqp, &names.lane_queue(lane, CommandKind::Lifecycle)).await, 1);
}

#[tokio::test]
async fn a_name_too_long_for_the_protocol_is_unroutable() {
    let amqp = connect(&TestBed::new().await).await;
    assert_eq!(publish(&amqp.publisher(), &"q".repeat(256), "x").await, Err(PublishError::Unroutable));
}

#[tokio::test]
async fn a_missing_exchange_fails_its_publish_and_the_publisher_goes_on() {
    let bed = TestBed::new().await;
    let amqp = connect(&bed).await;
    queue(&amqp, "q").await;
    let publisher = amqp.publisher();
    let outcome = publisher.publish("no such exchange", "q", persistent(), b"x".to_vec()).await;
    assert_eq!(outcome, Err(PublishError::Unknown));
    eventually("the channel is open again", SOON, || async { publish(&publisher, "q", "x").await.ok() }).await;
}

#[tokio::test]
async fn the_publisher_refuses_while_the_broker_is_away_and_recovers() {
    let (bed, links) = TestBed::behind_links().await;
    let amqp = connect(&bed).await;
    queue(&amqp, "q").await;
    let publisher = amqp.publisher();
    publish(&publisher, "q", "before").await.unwrap();

    links.amqp.cut();
    eventually("the loss is noticed", SOON, || async {
        (publish(&publisher, "q", "lost").await == Err(PublishError::Unavailable)).then_some(())
    })
    .await;
    assert_eq!((amqp.health())(), Err("no connection to publish on".to_owned()));

    links.amqp.restore();
    eventually("the publisher is back", SOON, || async { publish(&publisher, "q", "after").await.ok() }).await;
    eventually("both connections are back", SOON, || async { (amqp.health())().ok() }).await;
    assert_eq!(depth(&amqp, "q").await, 2);
}

#[tokio::test]
async fn publishes_in_flight_when_the_connection_is_lost_are_unknown_not_failed() {
    let (bed, links) = TestBed::behind_links().await;
    let amqp = connect(&bed).await;
    queue(&amqp, "q").await;
    let publisher = amqp.publisher();
    let crowd: Vec<_> = (0..400)
        .map(|n| {
            let publisher = publisher.clone();
            tokio::spawn(async move { publish(&publisher, "q", &n.to_string()).await })
        })
        .collect();
    tokio::task::yield_now().await;
    links.amqp.cut();
    let mut confirmed = 0;
    for outcome in join_all(crowd).await {
        match outcome.unwrap() {
            Ok(()) => confirmed += 1,
            Err(PublishError::Unknown | PublishError::Unavailable) => {}
            Err(other) => panic!("{other}"),
        }
    }
    links.amqp.restore();
    let stored = eventually("the queue can be asked", SOON, || async {
        amqp.channel().await.ok()?;
        Some(depth(&amqp, "q").await)
    })
    .await;
    assert!(stored >= confirmed, "{confirmed} were confirmed but only {stored} are in the queue");
}

#[tokio::test]
async fn a_consumer_resumes_after_a_cut_and_old_deliveries_cannot_be_acknowledged() {
    let (bed, links) = TestBed::behind_links().await;
    let amqp = connect(&bed).await;
    queue(&amqp, "q").await;
    let publisher = amqp.publisher();
    publish(&publisher, "q", "one").await.unwrap();
    let mut consumer = amqp.consume("q", 10);
    let before = consumer.next().await;
    assert_eq!((before.body(), before.redelivered()), (&b"one"[..], false));

    links.amqp.cut();
    links.amqp.restore();
    let again = tokio::time::timeout(SOON, consumer.next()).await.unwrap();
    assert_eq!((again.body(), again.redelivered()), (&b"one"[..], true));
    assert!(again.generation() > before.generation());
    assert_eq!(before.ack().await, Err(amqp::AckError));
    again.ack().await.unwrap();
    eventually("the publisher is back", SOON, || async { publish(&publisher, "q", "two").await.ok() }).await;
    let next = consumer.next().await;
    assert_eq!((next.body(), next.redelivered()), (&b"two"[..], false));
}

#[tokio::test]
async fn a_batch_is_acknowledged_by_its_last_and_a_nack_gives_back() {
    let bed = TestBed::new().await;
    let amqp = connect(&bed).await;
    queue(&amqp, "q").await;
    let publisher = amqp.publisher();
    for n in 0..7 {
        publish(&publisher, "q", &n.to_string()).await.unwrap();
    }
    let mut consumer = amqp.consume("q", 100);
    let linger = Duration::from_millis(200);
    let batch = consumer.next_batch(5, linger).await;
    assert_eq!(batch.iter().map(Delivery::body).collect::<Vec<_>>(), [b"0", b"1", b"2", b"3", b"4"]);
    batch.last().unwrap().ack_multiple().await.unwrap();

    let rest = consumer.next_batch(5, linger).await;
    assert_eq!(rest.len(), 2);
    rest[0].nack(true).await.unwrap();
    rest[1].ack().await.unwrap();
    let again = consumer.next().await;
    assert_eq!((again.body(), again.redelivered()), (&b"5"[..], true));
    again.ack().await.unwrap();
    drop(consumer);
    assert_eq!(depth(&amqp, "q").await, 0);
}

#[tokio::test]
async fn a_consumer_waits_for_its_queue() {
    let bed = TestBed::new().await;
    let amqp = connect(&bed).await;
    let mut consumer = amqp.consume("later", 1);
    let waiting = tokio::spawn(async move { consumer.next().await.body().to_vec() });
    tokio::task::yield_now().await;
    queue(&amqp, "later").await;
    publish(&amqp.publisher(), "later", "x").await.unwrap();
    assert_eq!(tokio::time::timeout(SOON, waiting).await.unwrap().unwrap(), b"x");
}

#[tokio::test]
async fn the_contracts_topology_can_be_declared_twice_and_routes() {
    let bed = TestBed::new().await;
    let amqp = connect(&bed).await;
    let names = Names::new("t.");
    for _ in 0..2 {
        amqp.declare(&booking_topology(&names, lanes())).await.unwrap();
        amqp.declare(&task_topology(&names)).await.unwrap();
    }
    let publisher = amqp.publisher();
    for lane in lanes().all() {
        for kind in CommandKind::ALL {
            publisher.publish(&names.commands_exchange(), &kind.routing_key(lane), persistent(), b"x".to_vec()).await.unwrap();
            assert_eq!(depth(&amqp, &names.lane_queue(lane, kind)).await, 1);
        }
    }
    publisher.publish(&names.tasks_exchange(), "mail", persistent(), b"x".to_vec()).await.unwrap();
    let nowhere = publisher.publish(&names.tasks_exchange(), "no such kind", persistent(), b"x".to_vec()).await;
    assert_eq!(nowhere, Err(PublishError::Unroutable));
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_told_in_time() {
    let bed = TestBed::new().await;
    let nobody = format!("amqp://guest:guest@127.0.0.1:{}/%2f", goticket_testkit::free_port());
    let config: Config = config_with(&bed, &[("GOTICKET__AMQP__URL", &nobody)]);
    assert!(amqp::connect(&config.amqp, "nobody").await.is_err());
}

#[tokio::test]
async fn a_consumer_that_is_given_up_while_it_attaches_takes_nothing_along() {
    let bed = TestBed::new().await;
    let amqp = connect(&bed).await;
    queue(&amqp, "q").await;
    publish(&amqp.publisher(), "q", "x").await.unwrap();
    // Each is dropped a little later on its way.
    for polls in 0..40 {
        let mut consumer = amqp.consume("q", 1);
        for _ in 0..polls {
            tokio::select! {
                biased;
                _ = consumer.next() => {}
                () = tokio::task::yield_now() => {}
            }
        }
    }
    let mut consumer = amqp.consume("q", 1);
    let delivery = loop {
        // Asked for only now and then, as beside another queue that always has something.
        tokio::select! {
            biased;
            delivery = consumer.next() => break delivery,
            () = tokio::task::yield_now() => {}
        }
    };
    assert_eq!(delivery.body(), b"x");
}

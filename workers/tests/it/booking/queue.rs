//! Through the broker.

use std::{sync::Arc, time::Duration};

use goticket_contracts::{
    amqp::{BOOKING_QUEUES, Names, booking_topology, section_key},
    commands::{Command, MAX_COMMAND_BYTES, PaymentResult},
    redis_keys::reply_channel,
    replies::{Reply, ReplyResult},
};
use goticket_domain::booking::{BookingState, Outcome, RefusalReason};
use goticket_platform::{
    amqp::{self, Amqp, persistent},
    redis::{self, Notice},
    shutdown::Shutdown,
};
use goticket_testkit::eventually;
use goticket_workers::{WorkerRole, app::booking::Job};

use crate::{SOON, hall::Hall};

/// The broker as a gateway uses it.
struct Broker {
    amqp: Arc<Amqp>,
    names: Names,
}

impl Broker {
    async fn of(hall: &Hall) -> Self {
        let amqp = amqp::connect(&hall.config.amqp, "test").await.unwrap();
        let names = Names::new(amqp.prefix());
        amqp::declare(&amqp.channel().await.unwrap(), &booking_topology(&names)).await.unwrap();
        Self { amqp: Arc::new(amqp), names }
    }

    async fn send(&self, command: &Command) {
        self.send_raw(command, serde_json::to_vec(command).unwrap()).await;
    }

    async fn send_raw(&self, command: &Command, body: Vec<u8>) {
        let key = section_key(command.event, command.section);
        self.amqp.publisher().publish(&self.names.bookings_exchange(), &key, persistent(), body).await.unwrap();
    }

    async fn depth(&self, queue: &str) -> u32 {
        let channel = self.amqp.channel().await.unwrap();
        let options = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
        channel.queue_declare(queue.into(), options, lapin::types::FieldTable::default()).await.unwrap().message_count()
    }

    async fn wait_until_decided(&self, hall: &Hall, requests: i64) {
        eventually("every request has an outcome", SOON, async || {
            (hall.count("SELECT count(*) FROM booking_requests").await == requests).then_some(())
        })
        .await;
    }

    async fn assert_empty(&self) {
        for n in 0..BOOKING_QUEUES {
            assert_eq!(self.depth(&self.names.bookings_queue(n)).await, 0, "queue {n} is drained");
        }
    }

    async fn dead_letters(&self, expected: u32) {
        eventually("dead letters", SOON, async || (self.depth(&self.names.dead_queue()).await == expected).then_some(())).await;
    }
}

fn start(hall: &Hall) -> (Shutdown, tokio::task::JoinHandle<anyhow::Result<()>>) {
    let shutdown = Shutdown::new();
    let running = tokio::spawn({
        let (config, shutdown) = (hall.config.clone(), shutdown.clone());
        async move { goticket_workers::run(config, &[WorkerRole::Booking], shutdown).await }
    });
    (shutdown, running)
}

#[tokio::test]
async fn a_booking_is_made_and_paid_for_through_the_broker() {
    let hall = Hall::open().await;
    let broker = Broker::of(&hall).await;
    let mut replies = redis::subscribe(&hall.config.redis, [reply_channel(hall.redis.prefix(), "gateway-1")]).await.unwrap();
    let mut reply = async || match tokio::time::timeout(SOON, replies.next()).await.unwrap() {
        Notice::Message { payload, .. } => serde_json::from_slice::<Reply>(&payload).unwrap(),
        Notice::Gap => panic!("a reply may be lost"),
    };
    let (shutdown, running) = start(&hall);

    let create = hall.named(hall.account().await, "k", &[1, 2]);
    broker.send(&create.command).await;
    let created = reply().await;
    assert_eq!(created.waiter, create.booking());
    let ReplyResult::Decided { decided: Outcome::Held { booking, held }, replayed: false } = created.result else {
        panic!("{created:?}")
    };
    assert_eq!((booking, held.seats), (create.booking(), vec![1, 2]));

    let payment = hall.attempt(booking).await;
    broker.send(&hall.pay(&payment, "n1", PaymentResult::Paid).command).await;
    let paid = reply().await;
    assert_eq!(paid, Reply { waiter: booking, result: ReplyResult::State { state: BookingState::Confirmed } });
    assert_eq!(hall.told(booking).await, ["BookingCreated", "PaymentProcessed", "BookingConfirmed"]);
    assert_eq!(hall.count("SELECT count(DISTINCT code) FROM tickets WHERE length(code) = 26").await, 2);

    shutdown.trigger();
    running.await.unwrap().unwrap();
    broker.assert_empty().await;
    broker.dead_letters(0).await;
    hall.assert_clean().await;
}

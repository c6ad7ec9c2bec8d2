//! Through the broker.

use std::{sync::Arc, time::Duration};

use goticket_contracts::{
    amqp::{BOOKING_QUEUES, DELIVERY_LIMIT, Names, booking_topology, section_key},
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
use goticket_workers::{
    WorkerRole,
    app::booking::Job,
    inbound::booking_queue::{BatchLimits, BookingQueue},
    outbound::dead_letters::DeadLetters,
};

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

    /// A consumer of one queue, to be stepped.
    async fn queue(&self, hall: &Hall, n: u16) -> BookingQueue {
        let consumer = self.amqp.consume(self.names.bookings_queue(n), 50);
        let dead = DeadLetters::new(self.amqp.publisher(), &self.names);
        let limits = BatchLimits { batch_max: 4, max_wait: Duration::from_millis(3) };
        BookingQueue::new(consumer, hall.worker().await, dead, limits)
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

fn create_in(hall: &Hall, fan: goticket_domain::AccountId, n: usize) -> Job {
    hall.best(fan, &n.to_string(), u16::try_from(n % 3).unwrap(), 1, None)
}

#[tokio::test]
async fn what_was_committed_but_not_acknowledged_keeps_its_one_outcome() {
    let hall = Hall::open().await;
    let broker = Broker::of(&hall).await;
    let fan = hall.account().await;
    let jobs: Vec<Job> = (0..6).map(|n| create_in(&hall, fan, 3 * n)).collect();
    for job in &jobs {
        broker.send(&job.command).await;
    }
    // A worker that dies between commit and acknowledgement: all of section 0 is on one of the queues.
    let mut consumers: Vec<_> = (0..BOOKING_QUEUES).map(|n| broker.amqp.consume(broker.names.bookings_queue(n), 50)).collect();
    let (batch, n) = {
        let waiting = consumers.iter_mut().map(|consumer| Box::pin(consumer.next_batch(6, SOON)));
        let (batch, n, _) = futures::future::select_all(waiting).await;
        (batch, u16::try_from(n).unwrap())
    };
    assert_eq!(batch.len(), 6);
    let decided: Vec<Job> =
        batch.iter().map(|delivery| serde_json::from_slice::<Command>(delivery.body()).unwrap().into()).collect();
    hall.worker().await.run_once(&decided).await;
    drop((batch, consumers));

    let mut queue = broker.queue(&hall, n).await;
    let mut handled = 0;
    while handled < 6 {
        handled += queue.step().await;
    }
    drop(queue);
    assert_eq!(hall.count("SELECT count(*) FROM outbox").await, 6, "each outcome told once");
    broker.assert_empty().await;
    broker.dead_letters(0).await;
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_worker_that_is_asked_to_stop_finishes_its_batch_and_leaves_the_rest_to_the_next() {
    let hall = Hall::open().await;
    let broker = Broker::of(&hall).await;
    let fans = hall.accounts(400).await;
    for (n, fan) in fans.iter().enumerate() {
        broker.send(&create_in(&hall, *fan, n).command).await;
    }
    let mut rounds = 0;
    while hall.count("SELECT count(*) FROM booking_requests").await < 400 {
        let (shutdown, running) = start(&hall);
        let decided_before = hall.count("SELECT count(*) FROM booking_requests").await;
        eventually("something is decided", SOON, async || {
            (hall.count("SELECT count(*) FROM booking_requests").await > decided_before).then_some(())
        })
        .await;
        shutdown.trigger();
        running.await.unwrap().unwrap();
        rounds += 1;
        assert!(rounds < 50);
    }
    broker.assert_empty().await;
    broker.dead_letters(0).await;
    assert_eq!(hall.count("SELECT count(*) FROM outbox").await, 400);
    hall.assert_clean().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_a_dead_letter_and_its_key_gets_an_answer_if_there_is_one() {
    let hall = Hall::open().await;
    let broker = Broker::of(&hall).await;
    let fan = hall.account().await;
    let good = hall.named(fan, "good", &[1]);
    let sick = hall.named(fan, "sick", &[2]);
    let mut json = serde_json::to_value(&sick.command).unwrap();
    json["request"]["choice"] = "whatever is left".into();
    broker.send_raw(&good.command, b"{ not json".to_vec()).await;
    broker.send_raw(&good.command, serde_json::to_vec(&json).unwrap()).await;
    broker.send_raw(&good.command, vec![b' '; MAX_COMMAND_BYTES + 1]).await;
    broker.send(&good.command).await;
    let (shutdown, running) = start(&hall);
    broker.wait_until_decided(&hall, 2).await;
    broker.dead_letters(3).await;
    let kept: String = sqlx::query_scalar("SELECT outcome ->> 'reason' FROM booking_requests WHERE key = 'sick'")
        .fetch_one(&hall.pool)
        .await
        .unwrap();
    assert_eq!(kept, RefusalReason::Invalid.as_str());
    shutdown.trigger();
    running.await.unwrap().unwrap();
    broker.assert_empty().await;

    let mut dead = broker.amqp.consume(broker.names.dead_queue(), 10);
    let letters = dead.next_batch(3, SOON).await;
    let reasons: Vec<String> = letters
        .iter()
        .map(|letter| {
            let headers = letter.properties().headers().clone().unwrap();
            let reason = headers.inner().get(goticket_workers::outbound::dead_letters::REASON_HEADER).unwrap();
            String::from_utf8(reason.as_long_string().unwrap().as_bytes().to_vec()).unwrap()
        })
        .collect();
    assert!(reasons[0].starts_with("not a command") && reasons[1].starts_with("not a command"), "{reasons:?}");
    assert!(reasons[2].contains("bytes"), "{reasons:?}");
    letters[2].ack_multiple().await.unwrap();
    hall.assert_clean().await;
}

/// Workers that take the messages of section 0 and die, so many times. Returns the number of their queue.
async fn deaths(broker: &Broker, messages: usize, times: u64) -> u16 {
    let mut candidates = 0..BOOKING_QUEUES;
    for round in 0..times {
        let mut consumers: Vec<_> = candidates.clone().map(|n| broker.amqp.consume(broker.names.bookings_queue(n), 50)).collect();
        let waiting = consumers.iter_mut().map(|consumer| Box::pin(consumer.next_batch(messages, SOON)));
        let (batch, n, _) = futures::future::select_all(waiting).await;
        assert!(batch.len() == messages && batch.iter().all(|delivery| delivery.earlier_deliveries() == round));
        let found = candidates.start + u16::try_from(n).unwrap();
        candidates = found..found + 1;
    }
    candidates.start
}

#[tokio::test]
async fn what_workers_die_of_is_answered_before_the_broker_gives_it_up() {
    for (times, outcome) in [(DELIVERY_LIMIT / 2, "held"), (DELIVERY_LIMIT, "refused")] {
        let hall = Hall::open().await;
        let broker = Broker::of(&hall).await;
        for fan in hall.accounts(3).await {
            broker.send(&hall.best(fan, "k", 0, 1, None).command).await;
        }
        let n = deaths(&broker, 3, times.into()).await;
        let mut queue = broker.queue(&hall, n).await;
        let mut handled = 0;
        while handled < 3 {
            handled += queue.step().await;
        }
        drop(queue);
        let outcomes: Vec<String> =
            sqlx::query_scalar("SELECT outcome ->> 'outcome' FROM booking_requests").fetch_all(&hall.pool).await.unwrap();
        assert_eq!(outcomes, [outcome; 3], "after {times} deaths");
        broker.dead_letters(if outcome == "held" { 0 } else { 3 }).await;
        broker.assert_empty().await;
        hall.assert_clean().await;
    }
}

#[tokio::test]
async fn who_dies_among_suspects_takes_nobody_along() {
    // Even: the last comes first, so that all the others were delivered before it.
    const DEATHS: u64 = 6;
    let hall = Hall::open().await;
    let broker = Broker::of(&hall).await;
    let fans = hall.accounts(3).await;
    for fan in &fans {
        broker.send(&hall.best(*fan, "k", 0, 1, None).command).await;
    }
    let n = deaths(&broker, 3, DEATHS).await;

    // The second to be handled meets a lock and stands still; there its worker is killed.
    let mut lock = hall.pool.begin().await.unwrap();
    sqlx::query("INSERT INTO account_tickets (event, account, tickets) VALUES ($1, $2, 0)")
        .bind(hall.event.0)
        .bind(fans[1].0)
        .execute(&mut *lock)
        .await
        .unwrap();
    let mut queue = broker.queue(&hall, n).await;
    tokio::select! {
        _ = queue.step() => panic!("the lock holds nobody up"),
        () = broker.wait_until_decided(&hall, 1) => {}
    }
    drop(queue);
    lock.rollback().await.unwrap();
    let left = broker.names.bookings_queue(n);
    eventually("the others are back", SOON, async || (broker.depth(&left).await == 2).then_some(())).await;

    let mut queue = broker.queue(&hall, n).await;
    let mut handled = 0;
    while handled < 2 {
        handled += queue.step().await;
    }
    drop(queue);
    broker.wait_until_decided(&hall, 3).await;
    broker.dead_letters(0).await;
    broker.assert_empty().await;
    hall.assert_clean().await;
}

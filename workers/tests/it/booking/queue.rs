//! Through the broker.

use std::{sync::Arc, time::Duration};

use goticket_contracts::{
    amqp::{CommandKind, DELIVERY_LIMIT, Names, booking_topology},
    commands::{CommandMessage, MAX_COMMAND_BYTES},
    redis_keys::reply_channel,
    replies::Reply,
};
use goticket_domain::{
    SeatNo,
    booking::{Answer, BookingState, Command, Outcome, PaymentResult, RefusalReason, UndecidedRequest},
    lane::LaneCount,
};
use goticket_platform::{
    amqp::{self, Amqp, PublishError, persistent},
    redis::{self, Notice},
    shutdown::Shutdown,
};
use goticket_testkit::eventually;
use goticket_workers::{
    WorkerRole,
    app::booking::Job,
    inbound::lane_queues::{BatchLimits, LaneQueues},
    outbound::dead_letters::DeadLetters,
};

use tokio::time::timeout;

use crate::{
    SOON,
    hall::{Hall, LANES},
};

/// The broker as a gateway uses it.
pub(super) struct Broker {
    pub(super) amqp: Arc<Amqp>,
    pub(super) names: Names,
    lane: goticket_domain::lane::LaneNo,
}

impl Broker {
    pub(super) async fn of(hall: &Hall) -> Self {
        let amqp = amqp::connect(&hall.config.amqp, "test").await.unwrap();
        let names = Names::new(amqp.prefix());
        amqp::declare(&amqp.channel().await.unwrap(), &booking_topology(&names, LaneCount::new(LANES).unwrap())).await.unwrap();
        Self { amqp: Arc::new(amqp), names, lane: hall.lane() }
    }

    pub(super) async fn send(&self, message: &CommandMessage) {
        self.send_raw(CommandKind::of(&message.command), serde_json::to_vec(message).unwrap()).await;
    }

    /// Again and again, until the broker has it: perhaps more than once.
    pub(super) async fn send_as_soon_as_possible(&self, message: &CommandMessage) {
        eventually("a broker that takes a command", SOON, async || self.publish(message).await.ok()).await;
    }

    pub(super) async fn publish(&self, message: &CommandMessage) -> Result<(), PublishError> {
        let (key, body) = (CommandKind::of(&message.command).routing_key(self.lane), serde_json::to_vec(message).unwrap());
        self.amqp.publisher().publish(&self.names.commands_exchange(), &key, persistent(), body).await
    }

    async fn send_raw(&self, kind: CommandKind, body: Vec<u8>) {
        let key = kind.routing_key(self.lane);
        self.amqp.publisher().publish(&self.names.commands_exchange(), &key, persistent(), body).await.unwrap();
    }

    /// A new owner's consumer of the lane, to be stepped.
    pub(super) async fn queues(&self, hall: &Hall) -> LaneQueues {
        let dead = DeadLetters::new(self.amqp.publisher(), &self.names);
        let limits = BatchLimits { batch_max: 4, max_wait: Duration::from_millis(3) };
        let (epoch, owner) = hall.owner().await;
        let in_work = Arc::new(tokio::sync::Semaphore::new(1));
        LaneQueues::new(&self.amqp, &self.names, (self.lane, epoch), owner, dead, limits, in_work)
    }

    /// The queue of the lane's requests.
    pub(super) fn requests(&self) -> String {
        self.queue(CommandKind::Requests)
    }

    fn queue(&self, kind: CommandKind) -> String {
        self.names.lane_queue(self.lane, kind)
    }

    pub(super) async fn depth(&self, queue: &str) -> u32 {
        self.look(queue).await.message_count()
    }

    async fn look(&self, queue: &str) -> lapin::Queue {
        let channel = self.amqp.channel().await.unwrap();
        let options = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
        channel.queue_declare(queue.into(), options, lapin::types::FieldTable::default()).await.unwrap()
    }

    pub(super) async fn wait_until_decided(&self, hall: &Hall, requests: i64) {
        eventually("every request has an outcome", SOON, async || {
            (hall.count("SELECT count(*) FROM bookings").await == requests).then_some(())
        })
        .await;
    }

    pub(super) async fn assert_empty(&self) {
        for queue in self.names.lane_queues(LaneCount::new(LANES).unwrap()) {
            assert_eq!(self.depth(&queue).await, 0, "{queue} is drained");
        }
    }

    pub(super) async fn dead_letters(&self, expected: u32) {
        eventually("dead letters", SOON, async || (self.depth(&self.names.dead_queue()).await == expected).then_some(())).await;
    }
}

pub(super) fn start(hall: &Hall) -> (Shutdown, tokio::task::JoinHandle<anyhow::Result<()>>) {
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
    let mut reply = async || match timeout(SOON, replies.next()).await.unwrap() {
        Notice::Message { payload, .. } => serde_json::from_slice::<Reply>(&payload).unwrap(),
        Notice::Gap => panic!("a reply may be lost"),
    };
    let (shutdown, running) = start(&hall);

    let create = hall.named(hall.account().await, "k", &[1, 2]);
    broker.send(&create.message).await;
    let created = reply().await;
    assert_eq!(created.waiter, create.booking());
    let Answer::Decided { decided: Outcome::Held { booking, held }, replayed: false } = created.result else {
        panic!("{created:?}")
    };
    assert_eq!((booking, held.seats), (create.booking(), vec![SeatNo(1), SeatNo(2)]));

    let payment = hall.attempt(booking).await;
    broker.send(&hall.pay(&payment, "n1", PaymentResult::Paid).message).await;
    let paid = reply().await;
    assert_eq!(paid, Reply { waiter: booking, result: Answer::State { state: BookingState::Confirmed } });
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
        broker.send(&job.message).await;
    }
    // A worker that dies between commit and acknowledgement.
    let mut consumer = broker.amqp.consume(broker.requests(), 50);
    let batch = consumer.next_batch(6, SOON).await;
    assert_eq!(batch.len(), 6);
    let decided: Vec<Job> =
        batch.iter().map(|delivery| serde_json::from_slice::<CommandMessage>(delivery.body()).unwrap().into()).collect();
    hall.worker().await.run_once(&decided).await;
    drop((batch, consumer));

    handle(broker.queues(&hall).await, 6).await;
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
        broker.send(&create_in(&hall, *fan, n).message).await;
    }
    let mut rounds = 0;
    while hall.count("SELECT count(*) FROM bookings").await < 400 {
        let (shutdown, running) = start(&hall);
        let decided_before = hall.count("SELECT count(*) FROM bookings").await;
        eventually("something is decided", SOON, async || {
            (hall.count("SELECT count(*) FROM bookings").await > decided_before).then_some(())
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
    let mut json = serde_json::to_value(&sick.message).unwrap();
    json["request"]["choice"] = "whatever is left".into();
    broker.send_raw(CommandKind::Requests, b"{ not json".to_vec()).await;
    broker.send_raw(CommandKind::Requests, serde_json::to_vec(&json).unwrap()).await;
    broker.send_raw(CommandKind::Requests, vec![b' '; MAX_COMMAND_BYTES + 1]).await;
    broker.send(&good.message).await;
    let (shutdown, running) = start(&hall);
    broker.wait_until_decided(&hall, 2).await;
    broker.dead_letters(3).await;
    let kept: String =
        sqlx::query_scalar("SELECT refusal ->> 'reason' FROM bookings WHERE key = 'sick'").fetch_one(&hall.pool).await.unwrap();
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

/// Steps until so many messages are handled.
pub(super) async fn handle(mut queues: LaneQueues, messages: usize) {
    let mut handled = 0;
    while handled < messages {
        let step = timeout(SOON, queues.step()).await;
        handled += step.unwrap_or_else(|_| panic!("{handled} of {messages} messages came"));
    }
}

/// Workers that take from one of the lane's queues and die, so many times.
async fn deaths(broker: &Broker, kind: CommandKind, messages: usize, times: u64) {
    for round in 0..times {
        let mut consumer = broker.amqp.consume(broker.queue(kind), 50);
        let batch = consumer.next_batch(messages, SOON).await;
        assert!(batch.len() == messages && batch.iter().all(|delivery| delivery.earlier_deliveries() == round));
    }
}

#[tokio::test]
async fn what_nobody_survives_the_broker_gives_up() {
    let hall = Hall::open().await;
    let broker = Broker::of(&hall).await;
    broker.send(&hall.best(hall.account().await, "k", 0, 1, None).message).await;
    deaths(&broker, CommandKind::Requests, 1, u64::from(DELIVERY_LIMIT) + 1).await;
    broker.dead_letters(1).await;
    broker.assert_empty().await;
}

#[tokio::test]
async fn what_workers_die_of_is_answered_before_the_broker_gives_it_up() {
    for (times, outcome) in [(DELIVERY_LIMIT / 2, "held"), (DELIVERY_LIMIT, "refused")] {
        let hall = Hall::open().await;
        let broker = Broker::of(&hall).await;
        for fan in hall.accounts(3).await {
            broker.send(&hall.best(fan, "k", 0, 1, None).message).await;
        }
        deaths(&broker, CommandKind::Requests, 3, times.into()).await;
        handle(broker.queues(&hall).await, 3).await;
        let outcomes: Vec<String> = sqlx::query_scalar("SELECT state FROM bookings").fetch_all(&hall.pool).await.unwrap();
        assert_eq!(outcomes, [outcome; 3], "after {times} deaths");
        broker.dead_letters(if outcome == "held" { 0 } else { 3 }).await;
        broker.assert_empty().await;
        hall.assert_clean().await;
    }
}

#[tokio::test]
async fn what_is_paid_is_confirmed_at_its_last_chance() {
    let hall = Hall::open().await;
    let broker = Broker::of(&hall).await;
    let worker = hall.worker().await;
    for (n, fan) in (0..).zip(hall.accounts(3).await) {
        let request = hall.named(fan, "k", &[n]);
        worker.run_once(std::slice::from_ref(&request)).await;
        let payment = hall.attempt(request.booking()).await;
        broker.send(&hall.pay(&payment, &format!("n{n}"), PaymentResult::Paid).message).await;
    }
    deaths(&broker, CommandKind::Lifecycle, 3, DELIVERY_LIMIT.into()).await;
    handle(broker.queues(&hall).await, 3).await;
    assert_eq!(hall.count("SELECT count(*) FROM bookings WHERE state = 'confirmed'").await, 3);
    broker.dead_letters(0).await;
    broker.assert_empty().await;
    hall.assert_clean().await;
}

/// An owner that was fenced still consumes: it must not be given what it could only give back.
#[tokio::test]
async fn of_two_owners_of_a_lane_the_later_one_is_given_its_messages() {
    let hall = Hall::open().await;
    let broker = Broker::of(&hall).await;
    let fans = hall.accounts(4).await;
    let send = async |n: usize| broker.send(&hall.best(fans[n], "k", 0, 1, None).message).await;
    let mut earlier = broker.queues(&hall).await;
    send(0).await;
    assert_eq!(timeout(SOON, earlier.step()).await, Ok(1));

    let mut later = broker.queues(&hall).await;
    let both = async || (broker.look(&broker.requests()).await.consumer_count() == 2).then_some(());
    tokio::select! {
        () = eventually("both consume", SOON, both) => {}
        stepped = later.step() => panic!("{stepped} of no messages"),
    }
    for n in 1..4 {
        send(n).await;
        tokio::select! {
            stepped = timeout(SOON, later.step()) => assert_eq!(stepped, Ok(1)),
            stepped = earlier.step() => panic!("the earlier owner was given {stepped}"),
        }
    }
    broker.wait_until_decided(&hall, 4).await;
    hall.assert_clean().await;
}

#[tokio::test]
async fn who_dies_among_suspects_takes_nobody_along() {
    // Even: the last comes first, so that all the others were delivered before it.
    const DEATHS: u64 = 6;
    let hall = Hall::open().await;
    let broker = Broker::of(&hall).await;
    let fans = hall.accounts(3).await;
    for fan in &fans {
        broker.send(&hall.best(*fan, "k", 0, 1, None).message).await;
    }
    deaths(&broker, CommandKind::Requests, 3, DEATHS).await;

    // The second to be handled meets a lock and stands still; there its worker is killed.
    let mut lock = hall.pool.begin().await.unwrap();
    sqlx::query(
        "INSERT INTO bookings (id, event, section, account, key, payload_hash, decided_at, seats, prices, total_minor, refusal, state,
                               changed_at)
         VALUES (gen_random_uuid(), $1, 0, $2, 'k', decode(repeat('00', 32), 'hex'), now(), '{}', '{}', 0, '{\"reason\":\"sold\"}',
                 'refused', now())",
    )
    .bind(hall.event.0)
    .bind(fans[1].0)
    .execute(&mut *lock)
    .await
    .unwrap();
    let mut queues = broker.queues(&hall).await;
    tokio::select! {
        _ = queues.step() => panic!("the lock holds nobody up"),
        () = broker.wait_until_decided(&hall, 1) => {}
    }
    drop(queues);
    lock.rollback().await.unwrap();
    // The first one, too, if its worker died before it said that it had decided it.
    let requests = broker.requests();
    let back = async || Some(broker.depth(&requests).await).filter(|depth| *depth >= 2);
    let left = eventually("the others are back", SOON, back).await;

    handle(broker.queues(&hall).await, left as usize).await;
    broker.wait_until_decided(&hall, 3).await;
    broker.dead_letters(0).await;
    broker.assert_empty().await;
    hall.forget_locks().await;
    hall.assert_clean().await;
}

#[tokio::test]
async fn what_becomes_of_bookings_is_decided_before_requests_that_came_earlier() {
    let hall = Hall::open().await;
    let broker = Broker::of(&hall).await;
    let fans = hall.accounts(8).await;
    let held = hall.named(fans[0], "k", &[0]);
    hall.worker().await.run_once(std::slice::from_ref(&held)).await;
    // One more than a batch, all for the seat that is given back last.
    for fan in &fans[1..6] {
        broker.send(&hall.named(*fan, "k", &[0]).message).await;
    }
    broker.send(&hall.cancel(held.booking(), fans[0]).message).await;
    handle(broker.queues(&hall).await, 6).await;
    assert_eq!(hall.state(held.booking()).await, "cancelled");
    assert_eq!(hall.count("SELECT count(*) FROM bookings WHERE state = 'held'").await, 1, "the first to come got it");
    hall.assert_clean().await;
}

#[tokio::test]
async fn a_cancellation_that_overtakes_its_request_has_it_refused() {
    let hall = Hall::open().await;
    let broker = Broker::of(&hall).await;
    let fan = hall.account().await;
    let request = hall.named(fan, "k", &[0]);
    let Command::Create { request: asked } = &request.message.command else { unreachable!() };
    let (key, payload_hash, section) = (asked.key.clone(), asked.payload_hash, asked.section);
    let undecided = Some(UndecidedRequest { key, payload_hash, section });
    broker.send(&request.message).await;
    broker.send(&hall.job(Command::Cancel { booking: request.booking(), account: fan, undecided }).message).await;
    handle(broker.queues(&hall).await, 2).await;
    let refused = "SELECT count(*) FROM bookings WHERE state = 'refused' AND refusal ->> 'reason' = 'cancelled'";
    assert_eq!(hall.count(refused).await, 1);
    assert_eq!(hall.told(request.booking()).await, ["BookingRefused"]);
    hall.assert_clean().await;
}

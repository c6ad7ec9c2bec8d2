//! One event on sale in a database of its own, and the roles under test on the servers of one bed.

use std::{collections::HashMap, sync::Arc, time::Duration};

use goticket_contracts::{
    amqp::{CommandKind, Names, booking_topology, task_topology},
    commands::CommandMessage,
    events::{BOOKINGS_TOPIC, BookingFact, DomainEvent},
    tasks,
};
use goticket_domain::{
    AccountId, BookingId, EventId, Money, PaymentId, SeatNo, SectionNo,
    booking::RefusalReason,
    lane::{LaneCount, LaneNo},
};
use goticket_platform::{
    amqp::{self, Amqp},
    config::{self, KafkaConfig, SmtpConfig},
    kafka, postgres,
};
use goticket_testkit::{TestBed, eventually};
use goticket_workers::{
    Config,
    app::{
        expire_holds::ExpireHolds, mail_tickets::MailTickets, notify::Notify, relay::Relay, remind::Remind,
        render_tickets::RenderTickets,
    },
    inbound::{domain_events::DomainEvents, task_queue::TaskQueue},
    mail::Mailer,
    outbound::{command_queue::CommandQueue, object_folder::ObjectFolder, task_exchange::TaskExchange},
};
use iso_currency::Currency;
use jiff::Timestamp;
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{Consumer as _, StreamConsumer},
    metadata::MetadataPartition,
};
use sqlx::{PgConnection, PgPool};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Long enough for a loaded machine; nothing waits for it when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) const SEATS: i32 = 20;

/// How many lanes the installation has.
pub(crate) fn lanes() -> LaneCount {
    LaneCount::new(4).unwrap()
}

pub(crate) struct World {
    pub(crate) bed: TestBed,
    pub(crate) config: Config,
    pub(crate) pool: PgPool,
    pub(crate) amqp: Arc<Amqp>,
    pub(crate) names: Names,
    pub(crate) event: EventId,
    pub(crate) fan: AccountId,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::on(TestBed::new().await).await
    }

    /// What the bed's addresses reach; behind links, those.
    pub(crate) async fn on(bed: TestBed) -> Self {
        goticket_platform::crypto::install();
        let config = configured(&bed, &[]);
        let pool = postgres::connect(&config.postgres, postgres::Plans::ByKeys).await.unwrap();
        goticket_storage::migrate(&pool, lanes()).await.unwrap();
        let amqp = Arc::new(amqp::connect(&config.amqp, "test").await.unwrap());
        let names = Names::new(amqp.prefix());
        amqp.declare(&booking_topology(&names, lanes())).await.unwrap();
        amqp.declare(&task_topology(&names)).await.unwrap();
        let (event, fan) = on_sale(&pool, &bed).await;
        Self { bed, config, pool, amqp, names, event, fan }
    }

    pub(crate) fn relay(&self) -> Relay {
        self.relay_to(&self.config.kafka)
    }

    pub(crate) fn relay_to(&self, kafka: &KafkaConfig) -> Relay {
        let workers = &self.config.workers;
        Relay::new(self.pool.clone(), kafka.clone(), workers.relay.clone(), &workers.lanes)
    }

    pub(crate) fn expiry(&self) -> ExpireHolds {
        ExpireHolds::new(self.pool.clone(), self.commands(), self.config.workers.expiry.clone())
    }

    pub(crate) fn notify(&self) -> Notify {
        Notify::new(self.pool.clone(), self.tasks())
    }

    pub(crate) fn remind(&self) -> Remind {
        Remind::new(self.pool.clone(), self.tasks(), self.config.workers.notifier.clone())
    }

    pub(crate) fn domain_events(&self) -> DomainEvents {
        DomainEvents::subscribe(&self.config.kafka, &self.config.workers.notifier).unwrap()
    }

    pub(crate) fn render(&self) -> RenderTickets {
        RenderTickets::new(self.pool.clone(), self.folder(), self.tasks(), 20)
    }

    pub(crate) fn mail(&self) -> MailTickets {
        self.mail_by(&self.pool, &self.config.smtp, &CancellationToken::new())
    }

    pub(crate) fn mail_by(&self, pool: &PgPool, smtp: &SmtpConfig, stop: &CancellationToken) -> MailTickets {
        let mailer = Mailer::new(smtp).unwrap();
        MailTickets::new(pool.clone(), self.folder(), mailer, smtp.timeout_ms.millis(), 20, stop.clone())
    }

    pub(crate) fn queue(&self, kind: &'static str) -> TaskQueue {
        TaskQueue::new(&self.amqp, self.tasks(), kind, 4)
    }

    pub(crate) fn tasks(&self) -> TaskExchange {
        TaskExchange::new(self.amqp.publisher(), self.names.clone())
    }

    pub(crate) fn commands(&self) -> CommandQueue {
        CommandQueue::new(self.amqp.publisher(), &self.names, lanes())
    }

    pub(crate) fn folder(&self) -> ObjectFolder {
        ObjectFolder::new(&self.config.objects.dir)
    }

    pub(crate) fn money() -> Money {
        Money { amount_minor: 4_900, currency: Currency::EUR }
    }

    /// A booking of one seat, written as the booking worker writes it.
    pub(crate) async fn booking(&self, seat: i32, state: &str, expires_in_s: i32) -> BookingId {
        let booking = BookingId::generate();
        sqlx::query(
            "WITH b AS (
                 INSERT INTO bookings (id, event, section, account, key, payload_hash, decided_at, seats, prices, total_minor, currency,
                                       held_until, state, hold_expires_at, changed_at)
                 SELECT $1, $2, 0, $3, $1::text, sha256(''), now(), ARRAY[$5::integer], ARRAY[4900], 4900, 'EUR', until, $4, until, now()
                 FROM (SELECT now() + $6 * interval '1 second' AS until) hold)
             INSERT INTO taken_seats (event, seat, booking) SELECT $2, $5, $1 WHERE $4 IN ('held', 'confirmed')",
        )
        .bind(booking.0)
        .bind(self.event.0)
        .bind(self.fan.0)
        .bind(state)
        .bind(seat)
        .bind(expires_in_s)
        .execute(&self.pool)
        .await
        .unwrap();
        booking
    }

    /// A confirmed one with its ticket, and the event that tells of it.
    pub(crate) async fn confirmed(&self, seat: i32) -> (BookingId, DomainEvent) {
        let booking = self.booking(seat, "confirmed", 60).await;
        sqlx::query("INSERT INTO tickets (id, booking, event, seat, code, issued_at) VALUES ($1, $2, $3, $4, $5, now())")
            .bind(Uuid::now_v7())
            .bind(booking.0)
            .bind(self.event.0)
            .bind(seat)
            .bind(Uuid::new_v4().simple().to_string())
            .execute(&self.pool)
            .await
            .unwrap();
        let (account, payment) = (self.fan, PaymentId::generate());
        let seats = vec![SeatNo(u32::try_from(seat).unwrap())];
        (booking, Self::fact(self.event, BookingFact::BookingConfirmed { booking, account, payment, seats }))
    }

    pub(crate) async fn payment(&self, booking: BookingId, provider_ref: &str, state: &str) -> PaymentId {
        let payment = PaymentId::generate();
        sqlx::query(
            "INSERT INTO payments (id, booking, provider, provider_ref, amount_minor, currency, state)
             VALUES ($1, $2, 'sandbox', $3, 4900, 'EUR', $4)",
        )
        .bind(payment.0)
        .bind(booking.0)
        .bind(provider_ref)
        .bind(state)
        .execute(&self.pool)
        .await
        .unwrap();
        payment
    }

    pub(crate) fn fact(event: EventId, fact: BookingFact) -> DomainEvent {
        DomainEvent::new(event, Timestamp::UNIX_EPOCH, fact)
    }

    /// Some fact about `event`, for tests that only care for its order.
    pub(crate) fn some(&self, event: EventId) -> DomainEvent {
        let (booking, account, reason) = (BookingId::generate(), self.fan, RefusalReason::Sold);
        Self::fact(event, BookingFact::BookingRefused { booking, account, section: SectionNo(0), reason })
    }

    /// Tells of `events` in one transaction, lane by lane.
    pub(crate) async fn commit(&self, events: &[DomainEvent]) {
        let mut tx = self.pool.begin().await.unwrap();
        for lane in lanes().all() {
            let of_lane: Vec<DomainEvent> = events.iter().filter(|event| lanes().of(event.subject) == lane).cloned().collect();
            if !of_lane.is_empty() {
                tell(&mut tx, lane, &of_lane).await;
            }
        }
        tx.commit().await.unwrap();
    }

    /// Steps the relay until nothing is left.
    pub(crate) async fn drain(&self, relay: &mut Relay) {
        let relay = tokio::sync::Mutex::new(relay);
        eventually("the outbox is drained", PATIENCE, || async {
            relay.lock().await.run_once().await.unwrap();
            (self.unpublished().await == 0).then_some(())
        })
        .await;
    }

    pub(crate) async fn unpublished(&self) -> i64 {
        sqlx::query_scalar("SELECT sum(l.position - c.position)::bigint FROM lanes l JOIN outbox_cursors c USING (lane)")
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// Every id on the topic, by Kafka key, in the order of its partition.
    pub(crate) async fn published(&self) -> HashMap<String, Vec<Uuid>> {
        let (config, topic) = (self.config.kafka.clone(), self.config.kafka.prefixed(BOOKINGS_TOPIC));
        let reader: StreamConsumer = kafka::consumer(&config, &format!("reader-{}", Uuid::new_v4())).unwrap();
        let reader = Arc::new(reader);
        let (asked, name) = (reader.clone(), topic.clone());
        let ends = tokio::task::spawn_blocking(move || {
            let metadata = asked.fetch_metadata(Some(&name), PATIENCE).unwrap();
            let partitions: Vec<i32> = metadata.topics()[0].partitions().iter().map(MetadataPartition::id).collect();
            let end = |p| (p, asked.fetch_watermarks(&name, p, PATIENCE).unwrap().1);
            partitions.into_iter().map(end).collect::<HashMap<i32, i64>>()
        })
        .await
        .unwrap();
        let mut assignment = TopicPartitionList::new();
        for partition in ends.keys() {
            assignment.add_partition_offset(&topic, *partition, Offset::Beginning).unwrap();
        }
        reader.assign(&assignment).unwrap();
        let (mut left, mut seen): (i64, HashMap<String, Vec<Uuid>>) = (ends.values().sum(), HashMap::new());
        while left > 0 {
            let message = timeout(PATIENCE, reader.recv()).await.expect("a message that the watermark promises").unwrap();
            let key = String::from_utf8(message.key().unwrap().to_vec()).unwrap();
            if let Ok(event) = serde_json::from_slice::<DomainEvent>(message.payload().unwrap()) {
                assert_eq!(event.subject.to_string(), key, "the key is what is sold");
                seen.entry(key).or_default().push(event.id);
            }
            left -= 1;
        }
        seen
    }

    pub(crate) async fn published_of(&self, event: EventId) -> Vec<Uuid> {
        self.published().await.remove(&event.to_string()).unwrap_or_default()
    }

    /// The commands now on the lanes' queues, taken off them.
    pub(crate) async fn take_commands(&self, count: usize) -> Vec<CommandMessage> {
        let mut taken = Vec::new();
        let queues = lanes().all().flat_map(|lane| CommandKind::ALL.map(|kind| self.names.lane_queue(lane, kind)));
        let mut consumers: Vec<_> = queues.map(|queue| self.amqp.consume(queue, 100)).collect();
        while taken.len() < count {
            let next = futures::future::select_all(consumers.iter_mut().map(|consumer| Box::pin(consumer.next())));
            let (delivery, ..) = timeout(PATIENCE, next).await.expect("a command");
            taken.push(serde_json::from_slice(delivery.body()).unwrap());
            delivery.ack().await.unwrap();
        }
        taken
    }

    pub(crate) async fn messages_in(&self, queue: &str) -> u32 {
        let channel = self.amqp.channel().await.unwrap();
        let options = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
        let queue = channel.queue_declare(queue.into(), options, lapin::types::FieldTable::default()).await.unwrap();
        queue.message_count()
    }

    pub(crate) async fn notification(&self, booking: BookingId) -> Option<(Uuid, String, i32)> {
        sqlx::query_as("SELECT id, state, attempts FROM notifications WHERE booking = $1")
            .bind(booking.0)
            .fetch_optional(&self.pool)
            .await
            .unwrap()
    }

    /// No task is left, waiting or dead.
    pub(crate) async fn assert_no_task_is_left(&self) {
        for kind in tasks::KINDS {
            assert_eq!(self.messages_in(&self.names.tasks_queue(kind)).await, 0, "{kind} tasks");
        }
        assert_eq!(self.messages_in(&self.names.dead_queue()).await, 0, "dead letters");
    }
}

/// Writes to the outbox as the booking worker does: the lane's row gives the positions, and stays locked until the end of the transaction.
pub(crate) async fn tell(db: &mut PgConnection, lane: LaneNo, events: &[DomainEvent]) {
    let bodies: Vec<String> = events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    sqlx::query(
        "WITH moved AS (
             UPDATE lanes SET sequence = sequence + 1, position = position + cardinality($2::uuid[]) WHERE lane = $1
             RETURNING position - cardinality($2::uuid[]) AS before)
         INSERT INTO outbox (lane, position, id, event, body, written_at)
         SELECT $1, before + place, id, event, body, now()
         FROM moved, UNNEST($2::uuid[], $3::uuid[], $4::text[]) WITH ORDINALITY AS told (id, event, body, place)",
    )
    .bind(i16::try_from(lane.0).unwrap())
    .bind(events.iter().map(|event| event.id).collect::<Vec<Uuid>>())
    .bind(events.iter().map(|event| event.subject.0).collect::<Vec<Uuid>>())
    .bind(bodies)
    .execute(db)
    .await
    .unwrap();
}

/// The configuration of a process on this bed.
pub(crate) fn configured(bed: &TestBed, more: &[(&str, &str)]) -> Config {
    let smtp_port = bed.smtp_port.to_string();
    let objects = bed.objects_dir.display().to_string();
    let settings = [
        ("POSTGRES__URL", bed.postgres_url.as_str()),
        ("POSTGRES__MAX_CONNECTIONS", "8"),
        ("REDIS__URL", &bed.redis_url),
        ("REDIS__PREFIX", &bed.redis_prefix),
        ("AMQP__URL", &bed.amqp_url),
        ("KAFKA__BROKERS", &bed.kafka_brokers),
        ("KAFKA__TOPIC_PREFIX", &bed.kafka_topic_prefix),
        ("SMTP__HOST", &bed.smtp_host),
        ("SMTP__PORT", &smtp_port),
        ("SMTP__TLS", "none"),
        ("SMTP__TIMEOUT_MS", "3000"),
        ("OBJECTS__DIR", &objects),
        ("PAYMENTS__API_KEY", "sk_test"),
        ("WORKERS__LISTEN", "127.0.0.1:0"),
        // Far longer than any pause of this process: it ends only where a test says so.
        ("WORKERS__LANES__LEASE_MS", "30000"),
        ("WORKERS__RELAY__TOPIC_PARTITIONS", "3"),
    ];
    let named = settings.iter().chain(more).map(|(name, value)| (format!("GOTICKET__{name}"), (*value).to_owned()));
    config::load_from(None, named).unwrap()
}

/// A theatre with one row on sale, and one fan.
async fn on_sale(pool: &PgPool, bed: &TestBed) -> (EventId, AccountId) {
    let (event, fan, owner, venue) = (EventId::generate(), AccountId::generate(), Uuid::now_v7(), Uuid::now_v7());
    sqlx::query("INSERT INTO accounts (id, email, name, role) VALUES ($1, $2, 'Olga Organizer', 'organizer'), ($3, $4, 'Fay Fan', 'user')")
        .bind(owner)
        .bind(bed.address("olga"))
        .bind(fan.0)
        .bind(bed.address("fay"))
        .execute(pool)
        .await
        .unwrap();
    sqlx::query("INSERT INTO venues (id, owner, name, time_zone, plan, seat_count) VALUES ($1, $2, 'Old Theatre', 'Europe/Vienna', '{}', $3)")
        .bind(venue)
        .bind(owner)
        .bind(SEATS)
        .execute(pool)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO events (id, venue, owner, title, currency, status, starts_at, lobby_opens_at, onsale_at, hold_seconds,
                             ticket_limit, capacity)
         VALUES ($1, $2, $3, 'Hamlet', 'EUR', 'published', now() + interval '30 days', now() - interval '2 hours',
                 now() - interval '1 hour', 300, 10, $4)",
    )
    .bind(event.0)
    .bind(venue)
    .bind(owner)
    .bind(SEATS)
    .execute(pool)
    .await
    .unwrap();
    sqlx::query("INSERT INTO event_categories (event, no, name, color, price_minor) VALUES ($1, 0, 'Premium', '#f00', 4900)")
        .bind(event.0)
        .execute(pool)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO event_sections (event, no, name, kind, first_seat, seat_count) VALUES ($1, 0, 'Stalls', 'seated', 0, $2)",
    )
    .bind(event.0)
    .bind(SEATS)
    .execute(pool)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO seats (event, no, section, row_no, block, row_label, number, guid, category)
         SELECT $1, n, 0, 0, 0, 'A', (n + 1)::text, 'A-' || n, 0 FROM generate_series(0, $2 - 1) n",
    )
    .bind(event.0)
    .bind(SEATS)
    .execute(pool)
    .await
    .unwrap();
    (event, fan)
}

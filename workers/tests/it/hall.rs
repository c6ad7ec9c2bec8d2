//! One event in a hall of its own, and what can be done with it.
//!
//! Section 0: two rows of eight seats, category 0. Section 1: one row of ten, the last four category 1. Section 2: twenty standing
//! places, category 1. Category 0 costs 50.00, category 1 30.00. An account may have ten tickets.

mod clean;
mod worker;

use std::{sync::Arc, time::Duration};

use goticket_contracts::commands::CommandMessage;
use goticket_domain::{
    AccountId, BookingId, CategoryNo, EventId, Money, PaymentId, SeatNo, SectionNo,
    booking::{
        Answer, BookingRequest, BookingState, Command, IdempotencyKey, Outcome, PaymentNotice, PaymentResult, RefusalReason,
        SeatChoice,
    },
    lane::{LaneCount, LaneNo},
};
use goticket_platform::{
    config::{PostgresConfig, RedisConfig},
    postgres::{self, Plans},
    redis::{self, Redis},
};
use goticket_testkit::{Links, TestBed};
use goticket_workers::{
    Config,
    app::booking::{Deciding, Job, LaneOwner, Verdict},
    outbound::seats::SeatBoard,
};
use iso_currency::Currency;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Seats of section 0: 0–15, of section 1: 16–25, of section 2: 26–45.
pub(crate) const CAPACITY: u32 = 46;
pub(crate) const SEATS: [std::ops::Range<u32>; 3] = [0..16, 16..26, 26..46];
pub(crate) const LIMIT: u32 = 10;

/// Shorter than a person would wait for a test, longer than any batch here takes.
pub(crate) const BATCH_TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) use worker::Worker;

/// Lanes of the installation.
pub(crate) const LANES: u16 = 4;

/// The hall and its servers; clones share them.
#[derive(Clone)]
pub(crate) struct Hall {
    _bed: Arc<TestBed>,
    pub(crate) config: Config,
    pub(crate) pool: PgPool,
    pub(crate) redis: Redis,
    pub(crate) event: EventId,
}

impl Hall {
    pub(crate) async fn open() -> Self {
        Self::in_bed(TestBed::new().await).await
    }

    pub(crate) async fn behind_links() -> (Self, Links) {
        let (bed, links) = TestBed::behind_links().await;
        (Self::in_bed(bed).await, links)
    }

    pub(crate) async fn in_bed(bed: TestBed) -> Self {
        let config: Config = super::config(&bed, &[("GOTICKET__REDIS__RESPONSE_TIMEOUT_MS", "1000")]);
        let pool = postgres::connect(&config.postgres, Plans::ByKeys).await.unwrap();
        goticket_storage::migrate(&pool, LaneCount::new(LANES).unwrap()).await.unwrap();
        let redis = redis::connect(&config.redis).await.unwrap();
        let event = EventId::generate();
        build(&pool, event).await;
        Self { _bed: Arc::new(bed), config, pool, redis, event }
    }

    /// Another event in the same lane.
    pub(crate) async fn next_door(&self) -> Self {
        let lanes = LaneCount::new(LANES).unwrap();
        let event = std::iter::repeat_with(EventId::generate).find(|event| lanes.of(*event) == self.lane()).unwrap();
        build(&self.pool, event).await;
        Self { event, ..self.clone() }
    }

    pub(crate) fn lane(&self) -> LaneNo {
        LaneCount::new(LANES).unwrap().of(self.event)
    }

    /// A worker with memory, connections and seat board of its own. It takes the lane when it decides.
    pub(crate) async fn worker(&self) -> Worker {
        self.worker_with(&self.config.redis, usize::MAX).await
    }

    /// A worker whose Redis is another one: it neither sees our locks nor touches our map.
    pub(crate) async fn worker_elsewhere(&self) -> Worker {
        let mut config = self.config.redis.clone();
        config.prefix = format!("{}elsewhere:", config.prefix);
        self.worker_with(&config, usize::MAX).await
    }

    /// A worker that remembers so many seats.
    pub(crate) async fn forgetful_worker(&self, seats_max: usize) -> Worker {
        self.worker_with(&self.config.redis, seats_max).await
    }

    async fn worker_with(&self, redis: &RedisConfig, seats_max: usize) -> Worker {
        Worker::new(deciding(&self.config.postgres, redis, seats_max).await, self.pool.clone(), self.lane())
    }

    /// An owner of the hall's lane in a new epoch.
    pub(crate) async fn owner(&self) -> (i64, LaneOwner) {
        self.owner_of(&self.config).await
    }

    /// The same, by a configuration of its own.
    pub(crate) async fn owner_by(&self, config: &Config) -> LaneOwner {
        self.owner_of(config).await.1
    }

    async fn owner_of(&self, config: &Config) -> (i64, LaneOwner) {
        let deciding = deciding(&config.postgres, &config.redis, usize::MAX).await;
        worker::take(&deciding, &self.pool, self.lane()).await
    }

    pub(crate) async fn account(&self) -> AccountId {
        self.accounts(1).await[0]
    }

    pub(crate) async fn accounts(&self, count: usize) -> Vec<AccountId> {
        let ids: Vec<Uuid> = (0..count).map(|_| Uuid::now_v7()).collect();
        sqlx::query("INSERT INTO accounts (id, email, name, role) SELECT id, id || '@fans.test', 'Fan', 'user' FROM UNNEST($1::uuid[]) AS id")
            .bind(&ids)
            .execute(&self.pool)
            .await
            .unwrap();
        ids.into_iter().map(AccountId).collect()
    }

    /// A request for seats of the section they lie in.
    pub(crate) fn named(&self, account: AccountId, key: &str, seats: &[u32]) -> Job {
        let section = SEATS.iter().position(|of| of.contains(&seats[0])).unwrap_or(0);
        let choice = SeatChoice::named(seats.iter().copied().map(SeatNo).collect()).unwrap();
        self.request(account, key, u16::try_from(section).unwrap(), choice)
    }

    pub(crate) fn best(&self, account: AccountId, key: &str, section: u16, quantity: u8, category: Option<u16>) -> Job {
        let choice = SeatChoice::best_available(quantity.into(), category.map(CategoryNo)).unwrap();
        self.request(account, key, section, choice)
    }

    pub(crate) fn request(&self, account: AccountId, key: &str, section: u16, choice: SeatChoice) -> Job {
        let section = SectionNo(section);
        let request = BookingRequest {
            booking: BookingId::generate(),
            event: self.event,
            section,
            account,
            key: IdempotencyKey::parse(key).unwrap(),
            payload_hash: BookingRequest::hash(self.event, section, &choice),
            choice,
        };
        self.job(Command::Create { request })
    }

    pub(crate) fn cancel(&self, booking: BookingId, account: AccountId) -> Job {
        self.job(Command::Cancel { booking, account, undecided: None })
    }

    pub(crate) fn expire(&self, booking: BookingId) -> Job {
        self.job(Command::Expire { booking })
    }

    pub(crate) fn pay(&self, payment: &Payment, notice_id: &str, result: PaymentResult) -> Job {
        let notice = PaymentNotice {
            payment: payment.id,
            booking: payment.booking,
            provider: "sandbox".into(),
            notice_id: notice_id.into(),
            result,
            amount: payment.amount,
            asked: payment.amount,
        };
        self.job(Command::Pay { notice })
    }

    pub(crate) fn job(&self, command: Command) -> Job {
        CommandMessage { event: self.event, reply_to: Some("gateway-1".into()), command }.into()
    }

    /// An open attempt to pay what the booking costs, as the gateway makes it: while another one is open there is none.
    pub(crate) async fn attempt(&self, booking: BookingId) -> Payment {
        let id = PaymentId::generate();
        let amount_minor = sqlx::query_scalar(
            "INSERT INTO payments (id, booking, provider, provider_ref, amount_minor, currency, state)
             SELECT $1, id, 'sandbox', $1::text, total_minor, currency, 'open' FROM bookings WHERE id = $2 RETURNING amount_minor",
        )
        .bind(id.0)
        .bind(booking.0)
        .fetch_one(&self.pool)
        .await
        .unwrap();
        Payment { id, booking, amount: Money { amount_minor, currency: Currency::EUR } }
    }

    /// Moves a hold's deadline by the database's clock, and takes the lane from whoever remembers the old one.
    pub(crate) async fn set_deadline(&self, booking: BookingId, from_now: &str) {
        sqlx::query("UPDATE bookings SET hold_expires_at = clock_timestamp() + $2::text::interval WHERE id = $1")
            .bind(booking.0)
            .bind(from_now)
            .execute(&self.pool)
            .await
            .unwrap();
        self.owner().await;
    }

    pub(crate) async fn state(&self, booking: BookingId) -> String {
        self.one("SELECT state FROM bookings WHERE id = $1", booking.0).await
    }

    pub(crate) async fn payment_state(&self, payment: &Payment) -> String {
        self.one("SELECT state FROM payments WHERE id = $1", payment.id.0).await
    }

    async fn one(&self, sql: &'static str, id: Uuid) -> String {
        sqlx::query_scalar(sql).bind(id).fetch_one(&self.pool).await.unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    /// The types of a booking's domain events, in order.
    pub(crate) async fn told(&self, booking: BookingId) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT replace(body::jsonb ->> 'type', 'goticket.', '') FROM outbox WHERE body::jsonb #>> '{data,booking}' = $1
             ORDER BY lane, position",
        )
        .bind(booking.to_string())
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }
}

/// An attempt to pay.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) id: PaymentId,
    pub(crate) booking: BookingId,
    pub(crate) amount: Money,
}

/// What a verdict comes to: the seats held, or why not.
#[track_caller]
pub(crate) fn decided(verdict: &Verdict) -> Result<(BookingId, Vec<u32>), RefusalReason> {
    match verdict {
        Verdict::Done(Answer::Decided { decided: Outcome::Held { booking, held }, .. }) => {
            Ok((*booking, held.seats.iter().map(|seat| seat.0).collect()))
        }
        Verdict::Done(Answer::Decided { decided: Outcome::Refused { refusal, .. }, .. }) => Err(refusal.reason),
        other => panic!("not a decision: {other:?}"),
    }
}

pub(crate) fn state(state: BookingState) -> Verdict {
    Verdict::Done(Answer::State { state })
}

async fn deciding(postgres: &PostgresConfig, redis: &RedisConfig, seats_max: usize) -> Deciding {
    let pool = postgres::connect(postgres, Plans::ByKeys).await.unwrap();
    let board = SeatBoard::new(redis::connect(redis).await.unwrap(), Duration::from_secs(5));
    Deciding::new(pool, board, BATCH_TIMEOUT, seats_max, CancellationToken::new())
}

async fn build(pool: &PgPool, event: EventId) {
    let (owner, venue) = (Uuid::now_v7(), Uuid::now_v7());
    let insert = |sql: &'static str| sqlx::query(sql).bind(event.0);
    sqlx::query("INSERT INTO accounts (id, email, name, role) VALUES ($1, $1 || '@hall.test', 'Owner', 'organizer')")
        .bind(owner)
        .execute(pool)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO venues (id, owner, name, time_zone, plan, seat_count) VALUES ($1, $2, 'Hall', 'Europe/Berlin', '{}', 26)",
    )
    .bind(venue)
    .bind(owner)
    .execute(pool)
    .await
    .unwrap();
    insert(
        "INSERT INTO events (id, venue, owner, title, currency, status, starts_at, lobby_opens_at, onsale_at, hold_seconds, ticket_limit, capacity)
         VALUES ($1, $2, $3, 'Show', 'EUR', 'published', now() + '1 day', now() - '2 hours'::interval, now() - '1 hour'::interval, 600, $4, $5)",
    )
    .bind(venue)
    .bind(owner)
    .bind(i32::try_from(LIMIT).unwrap())
    .bind(i32::try_from(CAPACITY).unwrap())
    .execute(pool)
    .await
    .unwrap();
    for sql in [
        "INSERT INTO event_categories (event, no, name, color, price_minor) VALUES ($1, 0, 'Near', '#000', 5000), ($1, 1, 'Far', '#fff', 3000)",
        "INSERT INTO event_sections (event, no, name, kind, first_seat, seat_count)
         VALUES ($1, 0, 'Stalls', 'seated', 0, 16), ($1, 1, 'Balcony', 'seated', 16, 10), ($1, 2, 'Floor', 'standing', 26, 20)",
        "INSERT INTO seats (event, no, section, row_no, block, row_label, number, guid, category, x, y)
         SELECT $1, no, section, row_no, 0, row_no::text, no::text, 'seat-' || no,
                CASE WHEN no < 22 THEN 0 ELSE 1 END, CASE WHEN section < 2 THEN place * 30 END, CASE WHEN section < 2 THEN row_no * 40 END
         FROM (SELECT no, CASE WHEN no < 16 THEN 0 WHEN no < 26 THEN 1 ELSE 2 END AS section,
                      CASE WHEN no BETWEEN 8 AND 15 THEN 1 ELSE 0 END AS row_no,
                      CASE WHEN no < 16 THEN no % 8 WHEN no < 26 THEN no - 16 ELSE 0 END AS place
               FROM generate_series(0, 45) AS no) AS places",
    ] {
        insert(sql).execute(pool).await.unwrap();
    }
}

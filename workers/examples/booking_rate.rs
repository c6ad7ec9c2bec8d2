//! How many decisions a second one booking worker makes on one PostgreSQL, by size of the batch:
//! `cargo run --release -p goticket-workers --example booking_rate`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::time::{Duration, Instant};

use goticket_contracts::commands::{Action, Command};
use goticket_domain::{
    AccountId, BookingId, EventId,
    booking::{BookingRequest, IdempotencyKey, SeatChoice},
};
use goticket_platform::{config::load_from, postgres, redis};
use goticket_testkit::{Durability, Stack, TestBed};
use goticket_workers::{
    Config,
    app::booking::{BookingWorker, Job},
    outbound::seats::SeatBoard,
};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SECTIONS: i32 = 200;
const SEATS_PER_SECTION: i32 = 500;
const MEASURE_FOR: Duration = Duration::from_secs(4);

#[tokio::main]
async fn main() {
    goticket_platform::crypto::install();
    let stack = Stack::start(Durability::Durable).await.unwrap();
    println!("two seats per request; decisions per second, and the time one batch takes");
    for wish in [Wish::Named, Wish::Best, Wish::Taken] {
        for batch in [1, 16, 64, 256] {
            let bed = TestBed::in_stack(&stack).await.unwrap();
            let (rate, per_batch) = measure(&bed, wish, batch).await;
            println!("{wish:>8?}  batch {batch:>3}: {rate:>7.0}/s  {:>6.1} ms", per_batch.as_secs_f64() * 1e3);
        }
    }
}

/// What every request asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wish {
    /// Two seats by number, which nobody has.
    Named,
    /// The best two of a section.
    Best,
    /// Two seats that are held.
    Taken,
}

async fn measure(bed: &TestBed, wish: Wish, batch: usize) -> (f64, Duration) {
    let settings = [
        ("GOTICKET__POSTGRES__URL", bed.postgres_url.as_str()),
        ("GOTICKET__REDIS__URL", &bed.redis_url),
        ("GOTICKET__REDIS__PREFIX", &bed.redis_prefix),
        ("GOTICKET__AMQP__URL", &bed.amqp_url),
    ];
    let config: Config = load_from(None, settings.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
    let pool = postgres::connect(&config.postgres).await.unwrap();
    goticket_storage::migrate(&pool, goticket_domain::lane::LaneCount::new(4).unwrap()).await.unwrap();
    let event = EventId::generate();
    let accounts = build(&pool, event).await;
    let board = SeatBoard::new(redis::connect(&config.redis).await.unwrap(), Duration::from_secs(5));
    let worker = BookingWorker::new(pool, board, Duration::from_secs(30), CancellationToken::new());

    let mut jobs = accounts.into_iter().enumerate().map(|(n, account)| job(event, n, account, wish));
    let first: Vec<Job> = jobs.by_ref().take(batch).collect();
    worker.run_once(&first).await;
    let begun = Instant::now();
    let (mut decided, mut batches) = (0, 0);
    while begun.elapsed() < MEASURE_FOR {
        let next: Vec<Job> = jobs.by_ref().take(batch).collect();
        if next.len() < batch {
            break;
        }
        decided += worker.run_once(&next).await.len();
        batches += 1;
    }
    let took = begun.elapsed();
    (decided as f64 / took.as_secs_f64(), took / batches.max(1))
}

fn job(event: EventId, n: usize, account: AccountId, wish: Wish) -> Job {
    let n = u32::try_from(n).unwrap();
    let (choice, section) = match wish {
        Wish::Named => (SeatChoice::Named { seats: vec![2 * n, 2 * n + 1] }, 2 * n / 500),
        Wish::Taken => (SeatChoice::Named { seats: vec![0, 1] }, 0),
        // A section is filled before the next is asked for, as one queue sees it.
        Wish::Best => (SeatChoice::BestAvailable { quantity: 2, category: None }, 2 * n / 500),
    };
    let section = u16::try_from(section).unwrap();
    let request = BookingRequest {
        booking: BookingId::generate(),
        event,
        section,
        account,
        key: IdempotencyKey::parse("k").unwrap(),
        payload_hash: BookingRequest::hash(event, section, &choice),
        choice,
    };
    Command { event, section, reply_to: Some("gateway".to_owned()), action: Action::Create { request } }.into()
}

/// An event of 100,000 seats, and an account for every two of them.
async fn build(pool: &PgPool, event: EventId) -> Vec<AccountId> {
    let seats = SECTIONS * SEATS_PER_SECTION;
    let accounts: Vec<Uuid> = (0..seats / 2).map(|_| Uuid::now_v7()).collect();
    sqlx::query(
        "INSERT INTO accounts (id, email, name, role) SELECT id, id || '@fans.test', 'Fan', 'user' FROM UNNEST($1::uuid[]) AS id",
    )
    .bind(&accounts)
    .execute(pool)
    .await
    .unwrap();
    for sql in [
        "INSERT INTO venues (id, owner, name, time_zone, plan, seat_count) SELECT $1, $2, 'Arena', 'UTC', '{}', $3 * $4",
        "INSERT INTO events (id, venue, owner, title, currency, status, starts_at, lobby_opens_at, onsale_at, hold_seconds, ticket_limit, capacity)
         SELECT $1, $1, $2, 'Rate', 'EUR', 'published', now() + '1 day', now() - '2 hours'::interval, now() - '1 hour'::interval, 600, 10, $3 * $4",
        "INSERT INTO event_categories (event, no, name, color, price_minor) SELECT $1, 0, 'All', '#000', 5000 WHERE $2::uuid IS NOT NULL AND $3 + $4 > 0",
        "INSERT INTO event_sections (event, no, name, kind, first_seat, seat_count)
         SELECT $1, s, 'S' || s, 'seated', s * $4, $4 FROM generate_series(0, $3 - 1) AS s WHERE $2::uuid IS NOT NULL",
        "INSERT INTO seats (event, no, section, row_no, block, row_label, number, guid, category, x, y)
         SELECT $1, n, n / $4, n % $4 / 25, 0, '', n::text, n::text, 0, n % 25 * 24, n % $4 / 25 * 32
         FROM generate_series(0, $3 * $4 - 1) AS n WHERE $2::uuid IS NOT NULL",
    ] {
        sqlx::query(sql).bind(event.0).bind(accounts[0]).bind(SECTIONS).bind(SEATS_PER_SECTION).execute(pool).await.unwrap();
    }
    sqlx::raw_sql("ANALYZE").execute(pool).await.unwrap();
    accounts.into_iter().map(AccountId).collect()
}

//! Gives a load to one booking worker, in this process, batch after batch. The one place that knows how commands reach the worker.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use goticket_contracts::{
    commands::{Action, Command},
    replies::ReplyResult,
};
use goticket_domain::{
    BookingId,
    booking::{BookingRequest, IdempotencyKey, Outcome, SeatChoice},
};
use goticket_platform::{config::load_from, postgres, redis};
use goticket_testkit::TestBed;
use goticket_workers::{
    Config,
    app::booking::{BookingWorker, Job, Verdict},
    outbound::seats::SeatBoard,
};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{
    hall::{self, OnSale},
    load::{Choice, Load},
    requests::{Request, Requests},
};
use crate::rates::{Counter, Rates};

/// An attempt at a batch without an answer for so long has lost its connection.
const BATCH_TIMEOUT: Duration = Duration::from_secs(30);

/// What one run decided on the clock.
pub(crate) struct Measured {
    pub rates: Rates,
    pub elapsed: Duration,
    pub held: u64,
    pub refused: u64,
}

/// What was decided in one batch.
#[derive(Clone, Copy, Default)]
struct Decided {
    held: u64,
    refused: u64,
}

/// Builds what `load` sells in the empty database of `bed`, sells what is sold before, and lets the worker decide until the time is
/// over or everything is sold.
pub(crate) async fn run(bed: &TestBed, load: &Load, seed: u64, for_: Duration) -> anyhow::Result<Measured> {
    let config = config(bed)?;
    let pool = postgres::connect(&config.postgres, postgres::Plans::ByKeys).await?;
    goticket_storage::migrate(&pool).await?;
    let on_sale = hall::build(&bed.postgres_url, load).await?;
    let settings = &config.workers.booking;
    let board = SeatBoard::new(redis::connect(&config.redis).await?, settings.lock_ttl_ms.millis());
    let worker = BookingWorker::new(pool.clone(), board, BATCH_TIMEOUT, CancellationToken::new());
    let mut requests = Requests::new(load, seed);
    let job = |request: Request| job(load, &on_sale, request);

    let mut held = 0;
    for batch in requests.before().chunks(usize::from(settings.batch_max.get())) {
        let jobs = batch.iter().copied().map(job).collect::<Result<Vec<_>, _>>()?;
        held += decide(&worker, &jobs).await?.held;
    }
    ensure!(
        held == requests.before().len() as u64,
        "{held} of {} bookings could be made before the start",
        requests.before().len()
    );
    // What was written until now is not flushed on the clock. Only a superuser may say so; elsewhere it is left to the server.
    let _ = sqlx::raw_sql("CHECKPOINT").execute(&pool).await;

    let batch_max = usize::from(load.batch_max.unwrap_or(settings.batch_max.get()));
    let (mut counter, mut total) = (Counter::default(), Decided::default());
    let begun = Instant::now();
    let mut elapsed = Duration::ZERO;
    while elapsed < for_ {
        let jobs = requests.by_ref().take(batch_max).map(job).collect::<Result<Vec<_>, _>>()?;
        if jobs.is_empty() {
            break;
        }
        let decided = decide(&worker, &jobs).await?;
        let before = elapsed;
        elapsed = begun.elapsed();
        counter.add(before, elapsed, decided.held + decided.refused);
        total.held += decided.held;
        total.refused += decided.refused;
    }
    ensure!(total.held + total.refused > 0, "nothing was left to decide");
    check(&pool, held + total.held).await?;
    pool.close().await;
    Ok(Measured { rates: counter.finish(elapsed), elapsed, held: total.held, refused: total.refused })
}

fn config(bed: &TestBed) -> anyhow::Result<Config> {
    let settings = [
        ("GOTICKET__POSTGRES__URL", bed.postgres_url.as_str()),
        ("GOTICKET__REDIS__URL", &bed.redis_url),
        ("GOTICKET__REDIS__PREFIX", &bed.redis_prefix),
        ("GOTICKET__AMQP__URL", &bed.amqp_url),
    ];
    load_from(None, settings.map(|(name, value)| (name.to_owned(), value.to_owned()))).context("the worker's settings")
}

async fn decide(worker: &BookingWorker, jobs: &[Job]) -> anyhow::Result<Decided> {
    let mut decided = Decided::default();
    for verdict in worker.run_once(jobs).await {
        match verdict {
            Verdict::Done(ReplyResult::Decided { decided: Outcome::Held { .. }, replayed: false }) => decided.held += 1,
            Verdict::Done(ReplyResult::Decided { decided: Outcome::Refused { .. }, replayed: false }) => decided.refused += 1,
            other => bail!("a request was not decided: {other:?}"),
        }
    }
    Ok(decided)
}

/// The request as a gateway would have sent it.
fn job(load: &Load, on_sale: &OnSale, request: Request) -> anyhow::Result<Job> {
    let Request { no, event, pair } = request;
    let event = *on_sale.events.get(event as usize).context("no such event")?;
    let account = on_sale.accounts[no as usize % on_sale.accounts.len()];
    let section = load.hall.section_of(pair);
    let choice = match load.choice {
        Choice::Named => SeatChoice::named(vec![2 * pair, 2 * pair + 1])?,
        Choice::Best => SeatChoice::best_available(2, None)?,
    };
    let request = BookingRequest {
        booking: BookingId::generate(),
        event,
        section,
        account,
        key: IdempotencyKey::parse(&format!("request-{no}"))?,
        payload_hash: BookingRequest::hash(event, section, &choice),
        choice,
    };
    Ok(Command { event, section, reply_to: Some("gateway".to_owned()), action: Action::Create { request } }.into())
}

/// What the worker said it holds is what the database has.
async fn check(pool: &PgPool, held: u64) -> anyhow::Result<()> {
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM bookings WHERE state = 'held'").fetch_one(pool).await?;
    ensure!(u64::try_from(stored)? == held, "the worker held {held} bookings, the database has {stored}");
    Ok(())
}

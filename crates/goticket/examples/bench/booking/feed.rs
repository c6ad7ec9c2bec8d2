//! Gives a load to one booking worker, in this process, as its queues would: each lane's requests in batches, several lanes at once.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use goticket_contracts::commands::CommandMessage;
use goticket_domain::{
    BookingId, SeatNo, SectionNo,
    booking::{Answer, BookingRequest, Command, IdempotencyKey, Outcome, SeatChoice},
    lane::{LaneCount, LaneNo},
};
use goticket_platform::{config::load_from, postgres, redis};
use goticket_storage::leases::{Change, Lease, Role, Shares};
use goticket_testkit::TestBed;
use goticket_workers::{
    Config,
    app::booking::{Deciding, Job, LaneOwner, Verdict},
    outbound::seats::{Publication, SeatBoard},
};
use sqlx::PgPool;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    hall::{self, OnSale},
    load::{Choice, Load},
    requests::{Request, Requests},
};
use crate::rates::{Counter, Rates};

/// An attempt at a batch without an answer for so long has lost its connection.
const BATCH_TIMEOUT: Duration = Duration::from_secs(30);

/// Committed batches of a lane that may wait to be published, as in the worker.
const UNPUBLISHED_MAX: usize = 4;

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
    let lanes = goticket_storage::migrate(&pool, LaneCount::USUAL).await?;
    let on_sale = hall::build(&bed.postgres_url, load).await?;
    let mut requests = Requests::new(load, seed);
    let job = |request: Request| job(load, &on_sale, request);

    let before = requests.before().into_iter().map(job).collect::<Result<Vec<_>, _>>()?;
    let asked = before.len() as u64;
    let batch_max = usize::from(config.workers.booking.batch_max.get());
    let mut feed = Feed::new(&config, pool.clone(), lanes, batch_max).await?;
    let mut held = 0;
    let mut before = before.into_iter().map(Ok);
    while let Some(decided) = feed.next(&mut before).await? {
        held += decided.held;
    }
    ensure!(held == asked, "{held} of {asked} bookings could be made before the start");
    // What was written until now is not flushed on the clock. Only a superuser may say so; elsewhere it is left to the server.
    let _ = sqlx::raw_sql("CHECKPOINT").execute(&pool).await;

    feed.batch_max = usize::from(load.batch_max.unwrap_or(config.workers.booking.batch_max.get()));
    let (mut counter, mut total) = (Counter::default(), Decided::default());
    let begun = Instant::now();
    let mut elapsed = Duration::ZERO;
    let mut stream = requests.by_ref().map(job);
    while elapsed < for_ {
        let Some(decided) = feed.next(&mut stream).await? else { break };
        let before = elapsed;
        elapsed = begun.elapsed();
        counter.add(before, elapsed, decided.held + decided.refused);
        total.held += decided.held;
        total.refused += decided.refused;
    }
    ensure!(total.held + total.refused > 0, "nothing was left to decide");
    // Begun on the clock, ended after it: in the database, but in no rate.
    let late = feed.finish().await?;
    check(&pool, held + total.held + late.held).await?;
    pool.close().await;
    Ok(Measured { rates: counter.finish(elapsed), elapsed, held: total.held, refused: total.refused })
}

/// A lane of the process.
struct Lane {
    /// While nothing of it is in work.
    owner: Option<LaneOwner>,
    queue: VecDeque<Job>,
    unpublished: mpsc::Sender<Vec<Publication>>,
}

/// The booking role of one process that has all lanes, without its broker.
struct Feed {
    lanes: BTreeMap<LaneNo, Lane>,
    count: LaneCount,
    batch_max: usize,
    in_work_max: usize,
    in_work: JoinSet<anyhow::Result<(LaneNo, LaneOwner, Decided)>>,
}

impl Feed {
    async fn new(config: &Config, pool: PgPool, count: LaneCount, batch_max: usize) -> anyhow::Result<Self> {
        let settings = &config.workers.booking;
        let board = SeatBoard::new(redis::connect(&config.redis).await?, settings.lock_ttl_ms.millis());
        let in_memory = usize::try_from(settings.seats_in_memory_max.get())?;
        let deciding = Deciding::new(pool.clone(), board.clone(), BATCH_TIMEOUT, in_memory, CancellationToken::new());
        let mut lanes = BTreeMap::new();
        for change in
            Shares::new(pool, Role::Booking, config.workers.lanes.lease_ms.millis()).tick(tokio::time::Instant::now()).await?
        {
            let Change::Gained(Lease { key: lane, epoch }) = change else { bail!("an installation that is not new: {change:?}") };
            let owner = LaneOwner::take(deciding.clone(), lane, epoch).await?;
            ensure!(owner.is_some(), "another process has lane {lane}");
            lanes.insert(lane, Lane { owner, queue: VecDeque::new(), unpublished: publisher(board.clone()) });
        }
        let in_work_max = usize::from(settings.in_work_max.get());
        Ok(Self { lanes, count, batch_max, in_work_max, in_work: JoinSet::new() })
    }

    /// The next batch that is committed; none when all requests are decided.
    async fn next(&mut self, requests: &mut impl Iterator<Item = anyhow::Result<Job>>) -> anyhow::Result<Option<Decided>> {
        while self.in_work.len() < self.in_work_max {
            let Some(lane) = self.gather(requests)? else { break };
            self.begin(lane);
        }
        self.ended().await
    }

    /// What is in work.
    async fn finish(mut self) -> anyhow::Result<Decided> {
        let mut total = Decided::default();
        while let Some(decided) = self.ended().await? {
            total.held += decided.held;
            total.refused += decided.refused;
        }
        Ok(total)
    }

    /// Lets requests come until a lane that nothing is in work of has a whole batch, as many as a consumer fetches ahead; the fullest
    /// such lane when no more come.
    fn gather(&mut self, requests: &mut impl Iterator<Item = anyhow::Result<Job>>) -> anyhow::Result<Option<LaneNo>> {
        let idle = |lane: &Lane| if lane.owner.is_some() { lane.queue.len() } else { 0 };
        let full = self.lanes.iter().find(|(_, lane)| idle(lane) >= self.batch_max);
        if let Some((lane, _)) = full {
            return Ok(Some(*lane));
        }
        for job in requests {
            let job = job?;
            let no = self.count.of(job.event());
            let lane = self.lanes.get_mut(&no).context("a lane that no one has")?;
            lane.queue.push_back(job);
            if idle(lane) >= self.batch_max {
                return Ok(Some(no));
            }
            if lane.queue.len() >= 2 * self.batch_max {
                return Ok(None);
            }
        }
        let fullest = self.lanes.iter().max_by_key(|(_, lane)| idle(lane));
        Ok(fullest.filter(|(_, lane)| idle(lane) > 0).map(|(no, _)| *no))
    }

    fn begin(&mut self, no: LaneNo) {
        let Some(lane) = self.lanes.get_mut(&no) else { return };
        let Some(mut owner) = lane.owner.take() else { return };
        let batch: Vec<Job> = lane.queue.drain(..self.batch_max.min(lane.queue.len())).collect();
        let unpublished = lane.unpublished.clone();
        self.in_work.spawn(async move {
            let settled = owner.decide(&batch).await;
            unpublished.send(settled.publications).await.context("no one publishes")?;
            Ok((no, owner, count(&settled.verdicts)?))
        });
    }

    async fn ended(&mut self) -> anyhow::Result<Option<Decided>> {
        let Some(ended) = self.in_work.join_next().await else { return Ok(None) };
        let (no, owner, decided) = ended??;
        self.lanes.get_mut(&no).context("a lane that no one has")?.owner = Some(owner);
        Ok(Some(decided))
    }
}

/// Publishes what is committed in a lane, beside its next batches.
fn publisher(board: SeatBoard) -> mpsc::Sender<Vec<Publication>> {
    let (unpublished, mut waiting) = mpsc::channel::<Vec<Publication>>(UNPUBLISHED_MAX);
    tokio::spawn(async move {
        while let Some(publications) = waiting.recv().await {
            board.publish(&publications).await;
        }
    });
    unpublished
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

fn count(verdicts: &[Verdict]) -> anyhow::Result<Decided> {
    let mut decided = Decided::default();
    for verdict in verdicts {
        match verdict {
            Verdict::Done(Answer::Decided { decided: Outcome::Held { .. }, replayed: false }) => decided.held += 1,
            Verdict::Done(Answer::Decided { decided: Outcome::Refused { .. }, replayed: false }) => decided.refused += 1,
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
    let section = SectionNo(load.hall.section_of(pair));
    let choice = match load.choice {
        Choice::Named => SeatChoice::named(vec![SeatNo(2 * pair), SeatNo(2 * pair + 1)])?,
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
    Ok(CommandMessage { event, reply_to: Some("gateway".to_owned()), command: Command::Create { request } }.into())
}

/// What the worker said it holds is what the database has.
async fn check(pool: &PgPool, held: u64) -> anyhow::Result<()> {
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM bookings WHERE state = 'held'").fetch_one(pool).await?;
    ensure!(u64::try_from(stored)? == held, "the worker held {held} bookings, the database has {stored}");
    Ok(())
}

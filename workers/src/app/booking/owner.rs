//! The owner of a lane: takes batches, and answers for every message in them.

mod attempt;
mod upkeep;

use std::{collections::VecDeque, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use goticket_domain::{
    booking::{Answer, Command, Outcome, RefusalReason},
    lane::LaneNo,
};
use goticket_storage::{
    StorageError, answered,
    bookings::load,
    lanes::{self, Fence},
};
use sqlx::PgPool;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::attempt::{Decided, Failure};
use super::{
    clock::Clock,
    health::LaneHealth,
    job::{Job, Verdict},
    memory::Memory,
    plans::Plans,
};
use crate::outbound::seats::{Publication, SeatBoard};

/// Attempts of one batch that find the database other than remembered: each one reads more, so more than a few mean that something
/// in the batch is the cause.
const ATTEMPTS_MAX: u32 = 6;

/// Pauses between attempts while the database is away.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// What all lanes of a process decide with; clones share it.
#[derive(Clone)]
pub struct Deciding {
    pool: PgPool,
    board: SeatBoard,
    plans: Plans,
    batch_timeout: Duration,
    seats_in_memory_max: usize,
    shutdown: CancellationToken,
}

impl Deciding {
    /// On this database and seat board. A batch is given up, undecided, only if `shutdown` comes while the database is away. A statement
    /// that has no answer within `batch_timeout` has lost its connection, whatever the connection says. Each lane remembers events of
    /// `seats_in_memory_max` seats.
    pub fn new(
        pool: PgPool,
        board: SeatBoard,
        batch_timeout: Duration,
        seats_in_memory_max: usize,
        shutdown: CancellationToken,
    ) -> Self {
        Self { pool, board, plans: Plans::new(), batch_timeout, seats_in_memory_max, shutdown }
    }
}

/// A batch that was dealt with.
#[derive(Debug)]
pub struct Settled {
    /// One per job, in their order.
    pub verdicts: Vec<Verdict>,
    /// What is to be published before the messages are acknowledged: losing it costs others a look into the database.
    pub publications: Vec<Publication>,
}

/// Decides the commands of one lane, as long as its epoch lasts.
pub struct LaneOwner {
    deciding: Deciding,
    fence: Fence,
    memory: Memory,
    clock: Clock,
    health: Arc<LaneHealth>,
    lost: bool,
}

/// Why a part of a batch is not decided.
enum Stopped {
    /// The process is ending, or another one owns the lane.
    Undecided,
    Broken {
        reason: RefusalReason,
        why: String,
    },
}

impl LaneOwner {
    /// Owns a lane in an epoch that was leased; none if that epoch is over.
    pub async fn take(deciding: Deciding, lane: LaneNo, epoch: i64) -> Result<Option<Self>, StorageError> {
        let read = answered(async {
            let mut db = deciding.pool.acquire().await?;
            Ok((lanes::fence(&mut db, lane, epoch).await?, load::clock(&mut db).await?))
        });
        let (fence, now) = read.await?;
        let memory = Memory::new(deciding.seats_in_memory_max);
        Ok(fence.map(|fence| Self { deciding, fence, memory, clock: Clock::new(now), health: Arc::default(), lost: false }))
    }

    /// Another process owns the lane: nothing more is decided here.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Where what it decides is published.
    pub fn board(&self) -> &SeatBoard {
        &self.deciding.board
    }

    /// How the lane does.
    pub fn health(&self) -> &Arc<LaneHealth> {
        &self.health
    }

    /// Decides a batch and publishes what follows; see [`Self::decide`].
    pub async fn run_once(&mut self, batch: &[Job]) -> Vec<Verdict> {
        let Settled { verdicts, publications } = self.decide(batch).await;
        self.deciding.board.publish(&publications).await;
        verdicts
    }

    /// Decides a batch in the order of its jobs; returns one verdict per job once everything that was decided is committed.
    ///
    /// Waits while the database is away. A job that breaks the batch is found by halving it.
    pub async fn decide(&mut self, batch: &[Job]) -> Settled {
        metrics::histogram!("goticket_booking_batch_size").record(u32::try_from(batch.len()).unwrap_or(u32::MAX));
        let mut settled = Settled { verdicts: Vec::with_capacity(batch.len()), publications: Vec::new() };
        let mut parts = VecDeque::from([batch]);
        while let Some(part) = parts.pop_front() {
            match self.decide_part(part).await {
                Ok(decided) => settled.add(part, decided),
                Err(Stopped::Undecided) => settled.verdicts.extend(part.iter().map(|_| Verdict::Undecided)),
                Err(Stopped::Broken { .. }) if part.len() > 1 => {
                    metrics::counter!("goticket_booking_retries_total", "why" => "split").increment(1);
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.push_front(second);
                    parts.push_front(first);
                }
                Err(Stopped::Broken { reason, why }) => self.reject(&part[0], reason, &why, &mut settled).await,
            }
        }
        let dead = settled.verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Dead { .. })).count();
        let done = settled.verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Done(_))).count();
        self.health.attempted(done, dead);
        settled
    }

    async fn decide_part(&mut self, jobs: &[Job]) -> Result<Decided, Stopped> {
        let (mut attempts, mut backoff) = (0, BACKOFF_MIN);
        loop {
            if self.lost {
                return Err(Stopped::Undecided);
            }
            let attempt = AssertUnwindSafe(self.attempt(jobs, attempts > 0)).catch_unwind().await;
            let failure = match attempt {
                Ok(Ok(decided)) => return Ok(decided),
                Ok(Err(failure)) => failure,
                Err(_) => {
                    self.memory.clear();
                    Failure::Broken { why: "deciding it panicked".to_owned() }
                }
            };
            match failure {
                Failure::Lost => self.lost = true,
                Failure::Stale { why } if attempts + 1 < ATTEMPTS_MAX => {
                    tracing::debug!(why, "the database is other than remembered: deciding again");
                    metrics::counter!("goticket_booking_retries_total", "why" => "stale").increment(1);
                    attempts += 1;
                }
                Failure::Stale { why } => return Err(Stopped::Broken { reason: RefusalReason::Contended, why }),
                // Fewer at once may be quick enough.
                Failure::TooSlow(error) if jobs.len() > 1 => {
                    self.health.attempted(0, jobs.len());
                    return Err(Stopped::Broken { reason: RefusalReason::Contended, why: error.to_string() });
                }
                Failure::Broken { why } => return Err(Stopped::Broken { reason: RefusalReason::Failed, why }),
                Failure::Unavailable(error) | Failure::TooSlow(error) => {
                    self.health.attempted(0, jobs.len());
                    tracing::warn!(%error, lane = %self.fence.lane, waiting = jobs.len(), "cannot decide: trying again");
                    metrics::counter!("goticket_booking_retries_total", "why" => "unavailable").increment(1);
                    self.pause(&mut backoff).await?;
                }
            }
        }
    }

    /// Waits longer each time, unless the process is ending.
    async fn pause(&self, backoff: &mut Duration) -> Result<(), Stopped> {
        let paused = self.deciding.shutdown.run_until_cancelled(sleep(*backoff)).await;
        *backoff = (*backoff * 2).min(BACKOFF_MAX);
        paused.ok_or(Stopped::Undecided)
    }

    /// A job that cannot be carried out: its key gets an answer that ends it, if that can be stored.
    async fn reject(&mut self, job: &Job, reason: RefusalReason, why: &str, settled: &mut Settled) {
        tracing::error!(booking = %job.booking(), action = job.action(), why, "a command cannot be carried out");
        metrics::counter!("goticket_booking_dead_total").increment(1);
        if matches!(job.message.command, Command::Create { .. }) && job.rejected.is_none() {
            let rejected = [job.reject(reason, why)];
            match self.decide_part(&rejected).await {
                Ok(decided) => return settled.add(&rejected, decided),
                Err(Stopped::Undecided) => return settled.verdicts.push(Verdict::Undecided),
                Err(Stopped::Broken { why, .. }) => tracing::error!(why, "not even its refusal can be stored"),
            }
        }
        settled.publications.push(Publication::only_reply(job, Answer::Unknown));
        settled.verdicts.push(Verdict::Dead { why: why.to_owned() });
    }
}

impl Settled {
    fn add(&mut self, jobs: &[Job], decided: Decided) {
        for (job, answer) in jobs.iter().zip(decided.answers) {
            metrics::counter!("goticket_booking_decisions_total", "action" => job.action(), "outcome" => outcome(&answer))
                .increment(1);
            self.verdicts.push(match &job.rejected {
                Some(rejected) => Verdict::Dead { why: rejected.why.clone() },
                None => Verdict::Done(answer),
            });
        }
        self.publications.extend(decided.publications);
    }
}

fn outcome(answer: &Answer) -> &'static str {
    match answer {
        Answer::Decided { replayed: true, .. } => "replayed",
        Answer::Decided { decided: Outcome::Held { .. }, .. } => "held",
        Answer::Decided { decided: Outcome::Refused { refusal, .. }, .. } => refusal.reason.as_str(),
        Answer::KeyReused => "key_reused",
        Answer::State { state } => state.as_str(),
        Answer::Unknown => "unknown",
    }
}

//! The booking worker: takes batches, and answers for every message in them.

use std::{collections::VecDeque, panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt as _;
use goticket_contracts::{commands::Action, replies::ReplyResult};
use goticket_domain::booking::{Outcome, RefusalReason};
use sqlx::PgPool;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    decide_batch::{Decided, Failure, decide_batch},
    job::{Job, Verdict},
    load::Contested,
    plans::Plans,
};
use crate::outbound::seats::SeatBoard;

/// Attempts against concurrent writers before a batch is split: each one reads anew, so more than a few mean that something
/// in the batch, not somebody else, is the cause.
const ATTEMPTS_MAX: u32 = 6;

/// From the second conflict on; grows with each.
const CONFLICT_PAUSE: Duration = Duration::from_millis(10);

/// Pauses between attempts while the database is away.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// Decides booking commands. One per section queue; clones share pool, plans and seat board.
#[derive(Clone)]
pub struct BookingWorker {
    pool: PgPool,
    plans: Plans,
    board: SeatBoard,
    batch_timeout: Duration,
    shutdown: CancellationToken,
}

impl BookingWorker {
    /// A worker on this database and seat board. It gives a batch up, undecided, only if `shutdown` comes while the database is away.
    /// An attempt at a batch that has no answer within `batch_timeout` has lost its connection, whatever the connection says.
    pub fn new(pool: PgPool, board: SeatBoard, batch_timeout: Duration, shutdown: CancellationToken) -> Self {
        Self { pool, plans: Plans::new(), board, batch_timeout, shutdown }
    }

    /// Decides a batch in the order of its jobs; returns one verdict per job once everything that was decided is committed.
    ///
    /// Waits while the database is away. A job that breaks the batch is found by halving it.
    pub async fn run_once(&self, batch: &[Job]) -> Vec<Verdict> {
        metrics::histogram!("goticket_booking_batch_size").record(u32::try_from(batch.len()).unwrap_or(u32::MAX));
        let mut verdicts = Vec::with_capacity(batch.len());
        let mut parts = VecDeque::from([batch]);
        let busy = self.board.lock(batch).await;
        let mut contested = Contested { busy, ..Contested::default() };
        while let Some(part) = parts.pop_front() {
            match self.decide(part, &mut contested).await {
                Ok(decided) => verdicts.extend(self.publish(part, decided).await),
                Err(Stopped::Ending) => verdicts.extend(part.iter().map(|_| Verdict::Undecided)),
                Err(Stopped::Broken { .. }) if part.len() > 1 => {
                    metrics::counter!("goticket_booking_retries_total", "why" => "split").increment(1);
                    // What the failed attempts wanted to give may go to a neighbour from the other half.
                    contested.lost.clear();
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.push_front(second);
                    parts.push_front(first);
                }
                Err(Stopped::Broken { reason, why }) => verdicts.push(self.bury(&part[0], reason, &why).await),
            }
        }
        verdicts
    }

    /// Tells the seat map again what it may have missed while Redis was away.
    pub async fn heal(&self) {
        self.board.heal().await;
    }

    async fn decide(&self, jobs: &[Job], contested: &mut Contested) -> Result<Decided, Stopped> {
        let (mut attempts, mut backoff) = (0, BACKOFF_MIN);
        loop {
            let attempt = decide_batch(&self.pool, self.batch_timeout, &self.plans, jobs, contested);
            let panicked = |_| Err(Failure::Broken { why: "deciding it panicked".to_owned() });
            match AssertUnwindSafe(attempt).catch_unwind().await.unwrap_or_else(panicked) {
                Ok(decided) => return Ok(decided),
                Err(Failure::Conflict { why }) if attempts + 1 < ATTEMPTS_MAX => {
                    tracing::debug!(why, "somebody else was faster: deciding anew");
                    metrics::counter!("goticket_booking_retries_total", "why" => "conflict").increment(1);
                    sleep(CONFLICT_PAUSE * attempts).await;
                    attempts += 1;
                }
                // Fewer at once may be quick enough.
                Err(Failure::TooSlow(error)) if jobs.len() > 1 => {
                    return Err(Stopped::Broken { reason: RefusalReason::Contended, why: error.to_string() });
                }
                Err(Failure::Conflict { why }) => return Err(Stopped::Broken { reason: RefusalReason::Contended, why }),
                Err(Failure::Broken { why }) => return Err(Stopped::Broken { reason: RefusalReason::Failed, why }),
                Err(Failure::Unavailable(error) | Failure::TooSlow(error)) => {
                    tracing::warn!(%error, waiting = jobs.len(), "cannot decide: trying again");
                    metrics::counter!("goticket_booking_retries_total", "why" => "unavailable").increment(1);
                    tokio::select! {
                        () = sleep(backoff) => {
                            backoff = (backoff * 2).min(BACKOFF_MAX);
                            contested.busy.clear();
                        }
                        () = self.shutdown.cancelled() => return Err(Stopped::Ending),
                    }
                }
            }
        }
    }

    /// A job that cannot be carried out: its key gets an answer that ends it, if that can be stored.
    async fn bury(&self, job: &Job, reason: RefusalReason, why: &str) -> Verdict {
        tracing::error!(booking = %job.booking(), action = job.action(), why, "a command cannot be carried out");
        metrics::counter!("goticket_booking_dead_total").increment(1);
        if matches!(job.command.action, Action::Create { .. }) && job.condemned.is_none() {
            let condemned = [job.condemn(reason, why)];
            match self.decide(&condemned, &mut Contested::default()).await {
                Ok(decided) => return self.publish(&condemned, decided).await.pop().unwrap_or(Verdict::Undecided),
                Err(Stopped::Ending) => return Verdict::Undecided,
                Err(Stopped::Broken { why, .. }) => tracing::error!(why, "not even its refusal can be stored"),
            }
        }
        self.board.reply(job, ReplyResult::Unknown).await;
        Verdict::Dead { why: why.to_owned() }
    }

    /// After the commit: the seat map and the waiting gateways. What fails here costs them a look into Postgres.
    async fn publish(&self, jobs: &[Job], decided: Decided) -> Vec<Verdict> {
        for (job, result) in jobs.iter().zip(&decided.results) {
            metrics::counter!("goticket_booking_decisions_total", "action" => job.action(), "outcome" => outcome(result))
                .increment(1);
        }
        self.board.settle(jobs, &decided.results, &decided.desk, decided.at).await;
        let verdict = |(job, result): (&Job, ReplyResult)| match &job.condemned {
            Some(condemned) => Verdict::Dead { why: condemned.why.clone() },
            None => Verdict::Done(result),
        };
        jobs.iter().zip(decided.results).map(verdict).collect()
    }
}

/// Why a part of a batch is not decided.
enum Stopped {
    Ending,
    Broken { reason: RefusalReason, why: String },
}

fn outcome(result: &ReplyResult) -> &'static str {
    match result {
        ReplyResult::Decided { replayed: true, .. } => "replayed",
        ReplyResult::Decided { decided: Outcome::Held { .. }, .. } => "held",
        ReplyResult::Decided { decided: Outcome::Refused { reason, .. }, .. } => reason.as_str(),
        ReplyResult::KeyReused => "key_reused",
        ReplyResult::State { state } => state.as_str(),
        ReplyResult::Unknown => "unknown",
    }
}

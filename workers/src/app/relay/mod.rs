//! The outbox relay: committed domain events go to Kafka, of each event in the order of its commits, at least once.
//!
//! One relay leads a shard at a time, by an advisory lock that lives as long as its connection. It reads a batch behind the cursor,
//! appends it, waits for every acknowledgement and moves the cursor from where it found it. A relay that dies in between leaves a
//! batch that its successor appends again, with the same ids. One that was paused, lost its lock and comes back finds the cursor
//! moved and steps back; what it appended meanwhile is an earlier stretch of the same series.
//!
//! No transaction is open while Kafka is waited for, and at most one batch is in memory.

mod leadership;
mod topics;
mod watch;

use std::time::Duration;

use goticket_platform::config::{KafkaConfig, U16In, U32In, U64In};
use goticket_storage::{
    StorageError,
    outbox::relay::{self as outbox, Cursor, OutboxRow},
};
use rdkafka::error::KafkaError;
use serde::Deserialize;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::leadership::Leadership;
use crate::outbound::event_log::EventLog;

/// The one shard there is; a second one needs its own cursor row and a rule that tells events apart.
const SHARD: i16 = 0;

/// Pauses after failures grow from the first to the second.
const BACK_OFF_MIN: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(5);

/// How long a batch may take after the stop.
const FINISH: Duration = Duration::from_secs(5);

/// `[workers.relay]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayConfig {
    /// Rows appended together.
    pub batch_max: U32In<1, 5_000>,
    /// Pause after everything was published.
    pub idle_ms: U64In<1, 10_000>,
    /// How often a relay that does not lead tries to.
    pub standby_ms: U64In<10, 60_000>,
    /// Partitions of a topic that does not exist yet.
    pub topic_partitions: U16In<1, 1_000>,
    /// How often partitions of the outbox are made and dropped.
    pub housekeeping_s: U64In<1, 86_400>,
    /// Days' partitions made ahead of today's.
    pub days_ahead: U16In<1, 30>,
    /// How long published rows are kept: `goticket audit` reads them. Decides how long new topics keep them, too.
    pub retention_days: U16In<1, 3_650>,
}

/// What one step of the relay came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Another relay leads.
    Standby,
    /// Nothing to publish.
    Idle,
    /// So many rows were published, and the cursor stands behind them.
    Published(usize),
    /// Another relay moved the cursor meanwhile: what was appended here is appended twice, and the lead is given up.
    SteppedBack,
}

/// Why a step failed. It can be repeated at any time.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Postgres did not do its part; the lead is given up.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Kafka refused something for good.
    #[error("Kafka does not take domain events: {0}")]
    Kafka(#[from] KafkaError),
}

/// One relay.
pub struct Relay {
    config: RelayConfig,
    leadership: Leadership,
    log: EventLog,
    topics_ensured: bool,
    /// Where the cursor stands, as long as this relay leads and nobody else moves it.
    cursor: Option<Cursor>,
    housekept: Option<Instant>,
}

impl Relay {
    /// Does nothing until the first step.
    pub fn new(pool: PgPool, kafka: KafkaConfig, config: RelayConfig) -> Self {
        Self {
            config,
            leadership: Leadership::new(pool, SHARD),
            log: EventLog::new(kafka),
            topics_ensured: false,
            cursor: None,
            housekept: None,
        }
    }

    /// Publishes the next batch.
    pub async fn run_once(&mut self) -> Result<Step, RelayError> {
        let step = self.step().await;
        if matches!(step, Err(RelayError::Storage(_)) | Ok(Step::SteppedBack)) {
            self.step_down();
        }
        step
    }

    fn step_down(&mut self) {
        self.leadership.give_up();
        self.cursor = None;
    }

    async fn step(&mut self) -> Result<Step, RelayError> {
        if !self.topics_ensured {
            self.log.ensure_topics(&self.config.topics()).await?;
            self.topics_ensured = true;
        }
        let Some(lead) = self.leadership.lead().await? else { return Ok(Step::Standby) };
        let cursor = match self.cursor.take() {
            Some(known) => known,
            None => lead.run(async |db| outbox::cursor(db, SHARD).await).await?,
        };
        let cursor = self.cursor.insert(cursor);
        let limit = self.config.batch_max.get();
        let mut rows = lead.run(async |db| outbox::next_rows(db, cursor, limit).await).await?;
        let count = rows.len();
        if count == 0 {
            return Ok(Step::Idle);
        }
        self.log.append(&rows).await?;
        let Some(OutboxRow { position, .. }) = rows.pop() else { return Ok(Step::Idle) };
        if !lead.run(async |db| outbox::advance(db, SHARD, cursor, &position).await).await? {
            return Ok(Step::SteppedBack);
        }
        *cursor = position;
        metrics::counter!("goticket_relay_published_total").increment(count as u64);
        Ok(Step::Published(count))
    }

    /// Makes and drops the outbox's partitions where that is due; never in the way of publishing.
    pub async fn keep_house(&mut self) {
        let due = self.housekept.is_none_or(|at| at.elapsed() >= self.config.housekeeping_s.secs());
        if !due {
            return;
        }
        self.housekept = Some(Instant::now());
        let (ahead, retention) = (self.config.days_ahead.get(), self.config.retention_days.get());
        let Ok(Some(lead)) = self.leadership.lead().await else { return };
        match lead.run(async |db| goticket_storage::outbox::partitions::housekeeping(db, ahead, retention).await).await {
            Ok(done) => {
                tracing::info!(made = ?done.made, dropped = ?done.dropped, "outbox partitions");
                for what in done.left {
                    tracing::info!(what, "outbox partition left as it is");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "outbox partitions could not be looked after");
                self.step_down();
            }
        }
    }

    /// Publishes until `stop`, which lets a batch finish unless Kafka is away: that one is left to the next relay.
    pub async fn run(mut self, stop: CancellationToken) {
        let watch = watch::unpublished(self.leadership.pool(), SHARD, stop.clone());
        tokio::join!(watch, async {
            let mut back_off = BACK_OFF_MIN;
            while !stop.is_cancelled() {
                let step = tokio::select! {
                    step = self.run_once() => step,
                    () = after(&stop, FINISH) => break,
                };
                let pause = match step {
                    Ok(step) => {
                        back_off = BACK_OFF_MIN;
                        self.pause_after(step)
                    }
                    Err(error) => {
                        tracing::warn!(%error, ?back_off, "relay: trying again");
                        let next = (back_off * 2).min(BACK_OFF_MAX);
                        std::mem::replace(&mut back_off, next)
                    }
                };
                self.keep_house().await;
                let _ = stop.run_until_cancelled(sleep(pause)).await;
            }
            self.log.give_up().await;
        });
    }

    fn pause_after(&self, step: Step) -> Duration {
        match step {
            Step::Published(rows) if rows >= self.config.batch_max.get() as usize => Duration::ZERO,
            Step::Published(_) | Step::Idle => self.config.idle_ms.millis(),
            Step::Standby | Step::SteppedBack => self.config.standby_ms.millis(),
        }
    }
}

async fn after(stop: &CancellationToken, grace: Duration) {
    stop.cancelled().await;
    sleep(grace).await;
}

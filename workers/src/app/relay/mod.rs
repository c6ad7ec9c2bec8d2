//! The outbox relay: committed domain events go to Kafka, of each event in the order of its commits, at least once.
//!
//! Any number of relays share the lanes. Each reads a batch behind the cursors of the lanes it has, appends it, waits for every
//! acknowledgement and moves each cursor, under the lane's epoch and from where it found it. A relay that dies in between leaves a batch
//! that its successor appends again, with the same ids. One that was paused, lost its lanes and comes back finds other epochs and lets
//! them be; what it appended meanwhile is an earlier stretch of the same series.
//!
//! A relay that waits for Kafka is not heard of meanwhile: when it hangs for longer than the lease, another one may try.
//!
//! No transaction is open while Kafka is waited for, and at most one batch is in memory.

mod lanes;
mod topics;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use goticket_domain::lane::LaneNo;
use goticket_platform::config::{KafkaConfig, U16In, U32In, U64In};
use goticket_storage::{
    StorageError, answered,
    leases::{Change, Lease, Role, Shares},
    outbox::{
        partitions,
        relay::{self as outbox, Batch, Cursor, OutboxRow},
    },
};
use rdkafka::error::KafkaError;
use serde::Deserialize;
use sqlx::{PgConnection, PgPool};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::lanes::Lanes;
use super::sharing::SharesConfig;
use crate::outbound::event_log::EventLog;

/// Whoever has this lane looks after the outbox's partitions.
const HOUSEKEEPERS: LaneNo = LaneNo(0);

/// Pauses after failures grow from the first to the second, which is well below any lease.
const BACK_OFF_MIN: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(1);

/// How long a batch may take after the stop.
const FINISH: Duration = Duration::from_secs(5);

/// `[workers.relay]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayConfig {
    /// Rows appended together.
    pub batch_max: U32In<1, 5_000>,
    /// Pause after everything was published.
    pub idle_ms: U64In<1, 1_000>,
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Step {
    /// Lanes this relay has.
    pub lanes: usize,
    /// Rows that were published, with the cursors behind them.
    pub published: usize,
    /// Lanes that turned out to be another relay's: their rows of this batch were appended twice, with the same ids.
    pub fenced: usize,
    /// Lanes that are left alone because a position is missing.
    pub stopped: usize,
}

/// Why a step failed. It can be repeated at any time.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Postgres did not do its part.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Kafka refused something for good.
    #[error("Kafka does not take domain events: {0}")]
    Kafka(#[from] KafkaError),
}

/// One relay.
pub struct Relay {
    config: RelayConfig,
    pool: PgPool,
    /// Outside the pool: whatever else the process does, domain events are published.
    connection: Option<PgConnection>,
    shares: Shares,
    tick: Duration,
    ticked: Option<Instant>,
    lanes: Lanes,
    log: EventLog,
    topics_ensured: bool,
    housekept: Option<Instant>,
}

impl Relay {
    /// Does nothing until the first step.
    pub fn new(pool: PgPool, kafka: KafkaConfig, config: RelayConfig, sharing: &SharesConfig) -> Self {
        Self {
            config,
            shares: Shares::new(pool.clone(), Role::Relay, sharing.lease_ms.millis()),
            pool,
            connection: None,
            tick: sharing.tick_ms.millis(),
            ticked: None,
            lanes: Lanes::default(),
            log: EventLog::new(kafka),
            topics_ensured: false,
            housekept: None,
        }
    }

    /// Publishes the next batch; takes part in sharing the lanes first, where that is due.
    pub async fn run_once(&mut self) -> Result<Step, RelayError> {
        let step = self.step().await;
        if matches!(step, Err(RelayError::Storage(_))) {
            self.connection = None;
            self.lanes.doubt();
        }
        step
    }

    async fn step(&mut self) -> Result<Step, RelayError> {
        if !self.topics_ensured {
            self.log.ensure_topics(&self.config.topics()).await?;
            self.topics_ensured = true;
        }
        if self.ticked.is_none_or(|at| at.elapsed() >= self.tick) {
            self.share().await?;
        }
        let mut step = self.publish().await?;
        (step.lanes, step.stopped) = (self.lanes.len(), self.lanes.stopped());
        #[expect(clippy::cast_precision_loss, reason = "lanes are few")]
        metrics::gauge!("goticket_relay_lanes_stopped").set(step.stopped as f64);
        Ok(step)
    }

    /// Takes part in sharing the lanes now. Nothing is in hand between two batches, so that what is too much is given back at once.
    pub async fn share(&mut self) -> Result<(), StorageError> {
        let now = Instant::now();
        let changes = self.shares.tick(now).await?;
        self.ticked = Some(now);
        let mut surplus = Vec::new();
        for change in changes {
            match change {
                Change::Gained(Lease { key, epoch }) => self.lanes.gain(key, epoch),
                Change::Lost(lane) => self.lanes.lose(lane),
                Change::GiveUp(lane) => {
                    self.lanes.lose(lane);
                    surplus.push(lane);
                }
            }
        }
        let mut released = Ok(());
        for lane in surplus {
            match released {
                Ok(()) => released = self.shares.release(lane).await,
                Err(_) => self.shares.forget(lane),
            }
        }
        released
    }

    async fn publish(&mut self) -> Result<Step, RelayError> {
        let (cursors, Batch { rows, gaps }) = self.read().await?;
        for gap in gaps {
            self.lanes.stop(gap, Instant::now());
        }
        if rows.is_empty() {
            return Ok(Step::default());
        }
        self.log.append(&rows).await?;

        let moves = moves(&cursors, &rows);
        let db = connected(&self.pool, &mut self.connection).await?;
        let moved: BTreeSet<LaneNo> = answered(outbox::advance(db, &moves)).await?.into_iter().collect();
        let mut step = Step::default();
        for (Cursor { lease, .. }, upto) in moves {
            if moved.contains(&lease.key) {
                self.lanes.stand_at(lease.key, upto);
            } else {
                tracing::warn!(lane = %lease.key, "relay: another one has the lane, and its rows were appended twice");
                self.lanes.lose(lease.key);
                self.shares.forget(lease.key);
                step.fenced += 1;
            }
        }
        step.published = rows.iter().filter(|row| moved.contains(&row.lane)).count();
        metrics::counter!("goticket_relay_published_total").increment(step.published as u64);
        Ok(step)
    }

    /// The next batch of the lanes this relay has, and the cursors it is behind.
    async fn read(&mut self) -> Result<(Vec<Cursor>, Batch), StorageError> {
        let unread = self.lanes.unread(Instant::now());
        if !unread.is_empty() {
            let db = connected(&self.pool, &mut self.connection).await?;
            for Cursor { lease, position } in answered(outbox::cursors(db, &unread)).await? {
                self.lanes.stand_at(lease.key, position);
            }
        }
        let cursors = self.lanes.cursors();
        if cursors.is_empty() {
            return Ok((cursors, Batch::default()));
        }
        let db = connected(&self.pool, &mut self.connection).await?;
        let batch = answered(outbox::next_rows(db, &cursors, self.config.batch_max.get())).await?;
        Ok((cursors, batch))
    }

    /// Makes and drops the outbox's partitions where that is due; never in the way of publishing.
    pub async fn keep_house(&mut self) {
        let due = self.housekept.is_none_or(|at| at.elapsed() >= self.config.housekeeping_s.secs());
        if !due || !self.lanes.has(HOUSEKEEPERS) {
            return;
        }
        self.housekept = Some(Instant::now());
        let (ahead, retention) = (self.config.days_ahead.get(), self.config.retention_days.get());
        let kept = answered(async {
            let db = connected(&self.pool, &mut self.connection).await?;
            partitions::housekeeping(db, ahead, retention).await
        });
        match kept.await {
            Ok(done) => {
                tracing::info!(made = ?done.made, dropped = ?done.dropped, deleted = done.deleted, "outbox partitions");
                for what in done.left {
                    tracing::info!(what, "outbox partition left as it is");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "outbox partitions could not be looked after");
                self.connection = None;
            }
        }
    }

    /// Publishes until `stop`, which lets a batch finish unless Kafka is away: that one is left to the next relay.
    pub async fn run(mut self, stop: CancellationToken) {
        let watch = watch::unpublished(self.pool.clone(), stop.clone());
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
            self.shares.leave().await;
        });
    }

    /// None where more is waiting: a batch of many lanes is not always a full one.
    fn pause_after(&self, step: Step) -> Duration {
        if step.lanes == 0 {
            self.tick
        } else if step.published > self.config.batch_max.get() as usize / 2 {
            Duration::ZERO
        } else {
            self.config.idle_ms.millis()
        }
    }
}

/// The relay's own connection, made when there is none.
async fn connected<'a>(pool: &PgPool, slot: &'a mut Option<PgConnection>) -> Result<&'a mut PgConnection, StorageError> {
    let connection = match slot.take() {
        Some(connection) => connection,
        None => pool.acquire().await?.detach(),
    };
    Ok(slot.insert(connection))
}

/// From each cursor to its lane's last row; lanes that have none stay where they are.
fn moves(cursors: &[Cursor], rows: &[OutboxRow]) -> Vec<(Cursor, i64)> {
    let last: BTreeMap<LaneNo, i64> = rows.iter().map(|row| (row.lane, row.position)).collect();
    cursors.iter().filter_map(|cursor| Some((*cursor, *last.get(&cursor.lease.key)?))).collect()
}

async fn after(stop: &CancellationToken, grace: Duration) {
    stop.cancelled().await;
    sleep(grace).await;
}

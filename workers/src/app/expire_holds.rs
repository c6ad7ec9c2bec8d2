//! Ending holds: finds those whose deadline has passed and puts a command on their section's queue. Whether a hold really ends,
//! the booking worker decides; a command too many changes nothing.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use goticket_contracts::commands::{Action, Command};
use goticket_domain::BookingId;
use goticket_platform::{
    amqp::PublishError,
    config::{U32In, U64In},
};
use goticket_storage::{
    StorageError,
    bookings::deadlines::{self, Overdue},
};
use jiff::Timestamp;
use serde::Deserialize;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::outbound::command_queue::CommandQueue;

/// Commands waiting for their confirm at a time.
const IN_FLIGHT: usize = 64;

/// `[workers.expiry]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpiryConfig {
    /// Pause between two looks.
    pub pause_ms: U64In<10, 60_000>,
    /// Holds ended per look.
    pub batch_max: U32In<1, 10_000>,
    /// A hold that is still there after this gets another command.
    pub again_s: U64In<1, 3_600>,
}

/// Why a look ended early. The next one begins where this one stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExpiryError {
    /// The holds could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A command was not accepted, or may have been.
    #[error("a hold's end cannot be commanded: {0}")]
    Publish(#[from] PublishError),
}

/// Walks through the deadlines: one that passes comes after all that have passed before, so each hold is met once. Every now and
/// then the walk begins anew, for those that are still there: their command was lost, or waits in a long queue.
pub struct ExpireHolds {
    pool: PgPool,
    commands: CommandQueue,
    config: ExpiryConfig,
    position: Option<(Timestamp, BookingId)>,
    begun: Instant,
}

impl ExpireHolds {
    /// Begins at the oldest deadline.
    pub fn new(pool: PgPool, commands: CommandQueue, config: ExpiryConfig) -> Self {
        Self { pool, commands, config, position: None, begun: Instant::now() }
    }

    /// Commands the end of the next holds, and returns how many.
    pub async fn run_once(&mut self) -> Result<usize, ExpiryError> {
        if self.begun.elapsed() >= self.config.again_s.secs() {
            (self.position, self.begun) = (None, Instant::now());
        }
        let holds = deadlines::overdue(&self.pool, self.position, self.config.batch_max.get()).await?;
        stream::iter(holds.iter().copied()).map(|hold| self.end(hold)).buffered(IN_FLIGHT).try_collect::<()>().await?;
        if let Some(last) = holds.last() {
            self.position = Some((last.deadline, last.booking));
        }
        metrics::counter!("goticket_expiry_commands_total").increment(holds.len() as u64);
        Ok(holds.len())
    }

    async fn end(&self, hold: Overdue) -> Result<(), PublishError> {
        let action = Action::Expire { booking: hold.booking };
        let command = Command { event: hold.event, section: hold.section, reply_to: None, action };
        self.commands.send(hold.booking, &command).await
    }

    /// Until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.run_once().await {
                Ok(ended) if ended >= self.config.batch_max.get() as usize => Duration::ZERO,
                Ok(_) => self.config.pause_ms.millis(),
                Err(error) => {
                    tracing::warn!(%error, "expiry: trying again");
                    self.config.pause_ms.millis()
                }
            };
            let _ = stop.run_until_cancelled(sleep(pause)).await;
        }
    }
}

//! Ending holds: finds those whose deadline has passed and puts a command on their section's queue. Whether a hold really ends,
//! the booking worker decides; a command too many changes nothing.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use goticket_domain::{BookingId, booking::Command};
use goticket_platform::{
    amqp::PublishError,
    config::{U32In, U64In},
};
use goticket_storage::{
    StorageError, answered,
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

/// The longest pause between two commands for one hold; longer if the setting is.
const AGAIN_MAX: Duration = Duration::from_mins(5);

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
/// then the walk begins again, for those that are still there: their command was lost, or waits in a long queue. The longer nothing
/// moves, the rarer: commands upon commands would only make the queue longer.
pub struct ExpireHolds {
    pool: PgPool,
    commands: CommandQueue,
    config: ExpiryConfig,
    position: Option<(Timestamp, BookingId)>,
    begun: Instant,
    /// The hold the walk began with, and the pause until the next walk.
    first: Option<BookingId>,
    again: Duration,
}

impl ExpireHolds {
    /// Begins at the oldest deadline.
    pub fn new(pool: PgPool, commands: CommandQueue, config: ExpiryConfig) -> Self {
        let again = config.again_s.secs();
        Self { pool, commands, config, position: None, begun: Instant::now(), first: None, again }
    }

    /// Commands the end of the next holds, and returns how many.
    pub async fn run_once(&mut self) -> Result<usize, ExpiryError> {
        if self.begun.elapsed() >= self.again {
            (self.position, self.begun) = (None, Instant::now());
        }
        let holds = answered(deadlines::overdue(&self.pool, self.position, self.config.batch_max.get())).await?;
        if self.position.is_none() {
            self.pace(holds.first().map(|hold| hold.booking));
        }
        stream::iter(holds.iter().copied()).map(|hold| self.end(hold)).buffered(IN_FLIGHT).try_collect::<()>().await?;
        if let Some(last) = holds.last() {
            self.position = Some((last.deadline, last.booking));
        }
        metrics::counter!("goticket_expiry_commands_total").increment(holds.len() as u64);
        Ok(holds.len())
    }

    /// Twice the pause where the walk begins with the hold that the last one began with.
    fn pace(&mut self, first: Option<BookingId>) {
        let stuck = first.is_some() && first == self.first;
        self.again = pause_after(self.again, self.config.again_s.secs(), stuck);
        self.first = first;
    }

    async fn end(&self, hold: Overdue) -> Result<(), PublishError> {
        self.commands.send(hold.event, Command::Expire { booking: hold.booking }).await
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

fn pause_after(pause: Duration, usual: Duration, stuck: bool) -> Duration {
    if stuck { (pause * 2).min(AGAIN_MAX.max(usual)) } else { usual }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_while_nothing_moves() {
        let s = Duration::from_secs;
        for (pause, usual, stuck, expected) in [
            (s(10), s(10), false, s(10)),
            (s(10), s(10), true, s(20)),
            (s(160), s(10), true, AGAIN_MAX),
            (AGAIN_MAX, s(10), true, AGAIN_MAX),
            (AGAIN_MAX, s(10), false, s(10)),
            (s(3_600), s(3_600), true, s(3_600)),
        ] {
            assert_eq!(pause_after(pause, usual, stuck), expected, "{pause:?} {usual:?} {stuck}");
        }
    }
}

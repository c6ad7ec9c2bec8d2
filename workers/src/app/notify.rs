//! Telling people: a confirmed booking gets one notification, and its tickets are printed.
//!
//! The same domain event may come any number of times. The row is made once; the task is published each time while the row is
//! pending, because nobody knows whether the one before was (a crash between row and task must not lose the mail). A task too
//! many prints the same document again; that only one mail goes out is the mail task's care.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use goticket_contracts::{
    events::{BookingFact, DomainEvent},
    tasks::{self, TicketTask},
};
use goticket_domain::BookingId;
use goticket_platform::amqp::PublishError;
use goticket_storage::{StorageError, answered, notifications};
use sqlx::PgPool;

use crate::outbound::task_exchange::TaskExchange;

/// Tasks waiting for their confirm at a time.
const IN_FLIGHT: usize = 64;

/// Why events are not dealt with yet. Dealing with them again is harmless.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The notifications could not be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A task was not accepted, or may have been.
    #[error("a task cannot be published: {0}")]
    Publish(#[from] PublishError),
}

/// Makes notifications and tasks of domain events.
pub struct Notify {
    pool: PgPool,
    tasks: TaskExchange,
}

impl Notify {
    /// Connects to nothing by itself.
    pub fn new(pool: PgPool, tasks: TaskExchange) -> Self {
        Self { pool, tasks }
    }

    /// Deals with all of these events, and returns how many tasks it published. Only then may they count as consumed.
    pub async fn tell(&self, events: &[DomainEvent]) -> Result<usize, NotifyError> {
        let mut bookings: Vec<BookingId> = events.iter().filter_map(confirmed).collect();
        bookings.sort_unstable();
        bookings.dedup();
        if bookings.is_empty() {
            return Ok(0);
        }
        let pending = answered(notifications::open_tickets(&self.pool, &bookings)).await?;
        let task = |n: &notifications::Pending| TicketTask { notification: n.id, booking: n.booking, attempts: 0 };
        stream::iter(pending.iter().map(task))
            .map(async |task| self.tasks.publish(tasks::PDF, &task).await)
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<()>()
            .await?;
        metrics::counter!("goticket_notifier_tasks_total").increment(pending.len() as u64);
        Ok(pending.len())
    }
}

fn confirmed(event: &DomainEvent) -> Option<BookingId> {
    match event.fact {
        BookingFact::BookingConfirmed { booking, .. } => Some(booking),
        _ => None,
    }
}

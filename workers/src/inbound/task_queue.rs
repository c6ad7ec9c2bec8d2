//! Tasks from RabbitMQ: several at a time, each acknowledged only after its outcome was carried out.

use std::time::Duration;

use futures::{StreamExt as _, stream::FuturesUnordered};
use goticket_contracts::tasks::TicketTask;
use goticket_platform::amqp::{Amqp, Consumer, Delivery, PublishError};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{app::outcome::Outcome, outbound::task_exchange::TaskExchange};

/// Pause before an outcome that the broker would not take is handed to it again.
const BROKER_PAUSE: Duration = Duration::from_secs(1);

/// The queue of one kind of task.
pub struct TaskQueue {
    kind: &'static str,
    consumer: Consumer,
    exchange: TaskExchange,
    at_once: u16,
}

impl TaskQueue {
    /// Handles up to `at_once` tasks of `kind` at a time.
    pub fn new(amqp: &Amqp, exchange: TaskExchange, kind: &'static str, at_once: u16) -> Self {
        let consumer = amqp.consume(exchange.names().tasks_queue(kind), at_once);
        Self { kind, consumer, exchange, at_once }
    }

    /// Handles the next task, however long it takes to come.
    pub async fn step<F>(&mut self, handle: impl Fn(TicketTask) -> F) -> Outcome
    where
        F: Future<Output = Outcome>,
    {
        let delivery = self.consumer.next().await;
        settle(self.kind, &self.exchange, delivery, &handle, &CancellationToken::new()).await
    }

    /// Handles tasks until `stop`, then finishes those it has begun.
    pub async fn run<F>(mut self, handle: impl Fn(TicketTask) -> F, stop: CancellationToken)
    where
        F: Future<Output = Outcome>,
    {
        let mut busy = FuturesUnordered::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = busy.next() => {}
                delivery = self.consumer.next(), if busy.len() < usize::from(self.at_once) => {
                    busy.push(settle(self.kind, &self.exchange, delivery, &handle, &stop));
                }
            }
        }
        while busy.next().await.is_some() {}
    }
}

/// Lets one delivery be handled and does what was decided. If it cannot be done before `stop`, or the connection is gone, the
/// delivery stays unacknowledged and comes again.
async fn settle<F>(
    kind: &'static str,
    exchange: &TaskExchange,
    delivery: Delivery,
    handle: &impl Fn(TicketTask) -> F,
    stop: &CancellationToken,
) -> Outcome
where
    F: Future<Output = Outcome>,
{
    let task: Result<TicketTask, _> = serde_json::from_slice(delivery.body());
    let outcome = match &task {
        Ok(task) => handle(task.clone()).await,
        Err(error) => Outcome::DeadLetter { reason: format!("no task: {error}") },
    };
    metrics::counter!("tasks_total", "kind" => kind, "outcome" => outcome.name()).increment(1);
    loop {
        let carried_out = match (&outcome, &task) {
            (Outcome::Retry { after }, Ok(task)) => {
                let again = TicketTask { attempts: task.attempts.saturating_add(1), ..task.clone() };
                exchange.retry(kind, &again, *after).await
            }
            (Outcome::DeadLetter { reason }, _) => {
                tracing::error!(kind, reason, "task given up");
                exchange.bury(kind, delivery.body().to_vec(), reason).await
            }
            (Outcome::Ack, _) | (Outcome::Retry { .. }, Err(_)) => Ok(()),
        };
        match carried_out {
            Ok(()) => break,
            Err(error) => if !worth_repeating(kind, error, stop).await { return outcome },
        }
    }
    // Not acknowledged: it comes again, and whoever handles it finds that everything is done.
    let _ = delivery.ack().await;
    outcome
}

/// Not a nack: during an alarm at the broker a task would use up its deliveries in seconds.
async fn worth_repeating(kind: &'static str, error: PublishError, stop: &CancellationToken) -> bool {
    tracing::warn!(kind, %error, "the outcome of a task cannot be handed on yet");
    stop.run_until_cancelled(sleep(BROKER_PAUSE)).await.is_some()
}

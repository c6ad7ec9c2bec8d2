//! Tasks from RabbitMQ: several at a time, each acknowledged only after its outcome was carried out.

use std::{marker::PhantomData, time::Duration};

use futures::{StreamExt as _, stream::FuturesUnordered};
use goticket_contracts::tasks::{Task, TicketTask};
use goticket_platform::amqp::{Amqp, Consumer, Delivery, PublishError};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    app::outcome::Outcome,
    outbound::{dead_letters::DeadLetters, task_exchange::TaskExchange},
};

/// Pause before an outcome that the broker would not take is handed to it again.
const BROKER_PAUSE: Duration = Duration::from_secs(1);

/// The queue of one kind of task.
pub struct TaskQueue<T = TicketTask> {
    consumer: Consumer,
    at_once: u16,
    fates: Fates,
    tasks: PhantomData<fn() -> T>,
}

/// Carries outcomes out.
#[derive(Clone)]
struct Fates {
    kind: &'static str,
    exchange: TaskExchange,
    dead: DeadLetters,
}

impl<T: Task> TaskQueue<T> {
    /// Handles up to `at_once` tasks of `kind` at a time.
    pub fn new(amqp: &Amqp, exchange: TaskExchange, kind: &'static str, at_once: u16) -> Self {
        let consumer = amqp.consume(exchange.names().tasks_queue(kind), at_once);
        let dead = DeadLetters::new(amqp.publisher(), exchange.names());
        Self { consumer, at_once, fates: Fates { kind, exchange, dead }, tasks: PhantomData }
    }

    /// Handles the next task, however long it takes to come.
    pub async fn step<F>(&mut self, handle: impl Fn(T) -> F) -> Outcome
    where
        F: Future<Output = Outcome>,
    {
        let delivery = self.consumer.next().await;
        self.fates.settle(delivery, &handle, &CancellationToken::new()).await
    }

    /// Handles tasks until `stop`, then finishes those it has begun.
    pub async fn run<F>(mut self, handle: impl Fn(T) -> F, stop: CancellationToken)
    where
        F: Future<Output = Outcome>,
    {
        let mut busy = FuturesUnordered::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = busy.next() => {}
                delivery = self.consumer.next(), if busy.len() < usize::from(self.at_once) => {
                    busy.push(self.fates.settle(delivery, &handle, &stop));
                }
            }
        }
        while busy.next().await.is_some() {}
    }
}

impl Fates {
    /// Lets one delivery be handled and does what was decided. If that cannot be done before `stop`, or the connection is gone,
    /// the delivery stays unacknowledged and comes again.
    async fn settle<T, F>(&self, delivery: Delivery, handle: &impl Fn(T) -> F, stop: &CancellationToken) -> Outcome
    where
        T: Task,
        F: Future<Output = Outcome>,
    {
        let task = serde_json::from_slice::<T>(delivery.body());
        let outcome = match &task {
            Ok(task) => handle(task.clone()).await,
            Err(error) => Outcome::DeadLetter { reason: format!("no task: {error}") },
        };
        metrics::counter!("goticket_tasks_total", "kind" => self.kind, "outcome" => outcome.name()).increment(1);
        while let Err(error) = self.carry_out(&outcome, task.as_ref().ok(), &delivery).await {
            tracing::warn!(kind = self.kind, %error, "the outcome of a task cannot be handed on yet");
            // Not a nack: during an alarm at the broker the task would use up its deliveries in seconds.
            if stop.run_until_cancelled(sleep(BROKER_PAUSE)).await.is_none() {
                return outcome;
            }
        }
        // Not acknowledged: it comes again, and whoever handles it finds that everything is done.
        let _ = delivery.ack().await;
        outcome
    }

    async fn carry_out(&self, outcome: &Outcome, task: Option<&impl Task>, delivery: &Delivery) -> Result<(), PublishError> {
        match (outcome, task) {
            (Outcome::Retry { after }, Some(task)) => self.exchange.retry(self.kind, &task.again(), *after).await,
            (Outcome::DeadLetter { reason }, _) => {
                tracing::error!(kind = self.kind, reason, "task given up");
                self.dead.store(delivery, reason).await
            }
            (Outcome::Ack, _) | (Outcome::Retry { .. }, None) => Ok(()),
        }
    }
}

//! One section queue: batches of commands in, acknowledgements out.

mod parse;

use std::time::Duration;

use goticket_contracts::amqp::DELIVERY_LIMIT;
use goticket_platform::amqp::{Consumer, Delivery};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use self::parse::{Parsed, parse};
use crate::{
    app::booking::{BookingWorker, Job, Verdict},
    outbound::dead_letters::DeadLetters,
};

/// Deliveries after which a message may be what kills workers, and not only have been in bad company.
const SUSPECT_AFTER: u64 = 5;

/// How many messages make a batch.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// At most so many.
    pub batch_max: usize,
    /// After the first one, the others have so long to come.
    pub max_wait: Duration,
}

/// The consumer of one section queue.
pub struct BookingQueue {
    consumer: Consumer,
    worker: BookingWorker,
    dead: DeadLetters,
    limits: BatchLimits,
}

/// What is done with one message.
enum Fate {
    Acknowledge,
    Bury(String),
    Leave,
}

impl BookingQueue {
    /// Takes from `consumer`, whose prefetch should be twice the batch, so that the next one is here when this one is committed.
    pub fn new(consumer: Consumer, worker: BookingWorker, dead: DeadLetters, limits: BatchLimits) -> Self {
        Self { consumer, worker, dead, limits }
    }

    /// Batch after batch, until the token is cancelled; the batch in hand is finished, what is left goes back to the queue.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                batch = self.consumer.next_batch(self.limits.batch_max, self.limits.max_wait) => self.handle(batch).await,
            }
        }
    }

    /// Waits for one batch and handles it; returns how many messages it had.
    pub async fn step(&mut self) -> usize {
        let batch = self.consumer.next_batch(self.limits.batch_max, self.limits.max_wait).await;
        let size = batch.len();
        self.handle(batch).await;
        size
    }

    /// Together, or one by one when something in the batch seems to kill workers: then whatever else is here gets its answer before
    /// the broker gives all of it up. The order changes with every delivery, so that nothing stays behind the killer.
    async fn handle(&self, batch: Vec<Delivery>) {
        let deliveries = batch.iter().map(Delivery::earlier_deliveries).max().unwrap_or_default();
        if deliveries < SUSPECT_AFTER {
            return self.handle_together(&batch).await;
        }
        tracing::warn!(deliveries, messages = batch.len(), "messages came back again and again: one by one");
        let one_by_one: Vec<&Delivery> = if deliveries % 2 == 0 { batch.iter().rev().collect() } else { batch.iter().collect() };
        for delivery in one_by_one {
            self.handle_together(std::slice::from_ref(delivery)).await;
        }
    }

    async fn handle_together(&self, batch: &[Delivery]) {
        let (mut jobs, mut places) = (Vec::new(), Vec::new());
        let mut fates: Vec<Fate> = Vec::with_capacity(batch.len());
        for (place, delivery) in batch.iter().enumerate() {
            match parse(delivery.body()) {
                Parsed::Job(job) => {
                    fates.push(Fate::Leave);
                    places.push(place);
                    jobs.push(if is_last_chance(delivery) { job.on_its_last_chance() } else { *job });
                }
                Parsed::Unreadable { why } => fates.push(Fate::Bury(why)),
            }
        }
        record_age(&jobs);
        if !jobs.is_empty() {
            for (place, verdict) in places.into_iter().zip(self.worker.run_once(&jobs).await) {
                fates[place] = fate(verdict);
            }
        }
        self.finish(batch, fates).await;
    }

    /// One acknowledgement for all, if all can be acknowledged. What is handled alone is acknowledged alone: others that were
    /// delivered before it may still be waiting for their turn.
    async fn finish(&self, batch: &[Delivery], fates: Vec<Fate>) {
        let mut acknowledge = Vec::with_capacity(batch.len());
        for (delivery, fate) in batch.iter().zip(fates) {
            match fate {
                Fate::Acknowledge => acknowledge.push(delivery),
                Fate::Bury(why) => match self.dead.bury(delivery, &why).await {
                    Ok(()) => acknowledge.push(delivery),
                    // Without its reason, but not lost; and a message that came back would only die again.
                    Err(error) => {
                        tracing::warn!(%error, why, "a dead letter goes without its reason");
                        let _ = delivery.nack(false).await;
                    }
                },
                Fate::Leave => {}
            }
        }
        let mut lost = false;
        if acknowledge.len() == batch.len()
            && let [_, .., last] = acknowledge[..]
        {
            lost = last.ack_multiple().await.is_err();
        } else {
            for delivery in acknowledge {
                lost |= delivery.ack().await.is_err();
            }
        }
        if lost {
            tracing::warn!("a batch is committed but not acknowledged: its messages will come again and find their outcomes");
        }
    }
}

/// Once more, and the broker makes it a dead letter without an answer.
fn is_last_chance(delivery: &Delivery) -> bool {
    delivery.earlier_deliveries() >= u64::from(DELIVERY_LIMIT)
}

fn fate(verdict: Verdict) -> Fate {
    match verdict {
        Verdict::Done(_) => Fate::Acknowledge,
        Verdict::Dead { why } => Fate::Bury(why),
        Verdict::Undecided => Fate::Leave,
    }
}

/// A new booking's id says when it was asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "an age that people look at, by the clock that made the id; nothing is decided with it"
)]
fn record_age(jobs: &[Job]) {
    let Some(asked) = jobs.first().and_then(Job::asked_at_ms) else { return };
    let age_ms = Timestamp::now().as_millisecond().saturating_sub(asked).max(0);
    let age = Duration::from_millis(u64::try_from(age_ms).unwrap_or_default());
    metrics::histogram!("goticket_booking_queue_age_seconds").record(age);
}

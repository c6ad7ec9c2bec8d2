//! The two queues of a lane: batches of commands in, acknowledgements out. What becomes of bookings is always taken before requests
//! for seats.

mod parse;
mod publisher;

use std::{sync::Arc, time::Duration};

use goticket_contracts::amqp::{CommandKind, DELIVERY_LIMIT, Names};
use goticket_domain::lane::LaneNo;
use goticket_platform::amqp::{Amqp, Consumer, Delivery};
use jiff::Timestamp;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use self::{
    parse::{Parsed, parse},
    publisher::{Finished, Publisher},
};
use crate::{
    app::booking::{Job, LaneOwner, Verdict},
    outbound::dead_letters::DeadLetters,
};

/// Deliveries after which a message may be what kills workers, and not only have been in bad company.
const SUSPECT_AFTER: u64 = 5;

/// How often terms are read again and seat maps put right: within a second an event that was closed sells nothing.
const UPKEEP: Duration = Duration::from_millis(500);

/// How many messages make a batch.
#[derive(Clone, Copy, Debug)]
pub struct BatchLimits {
    /// At most so many.
    pub batch_max: u16,
    /// After the first one, the others have so long to come.
    pub max_wait: Duration,
}

/// The consumer of one lane, which it owns.
pub struct LaneQueues {
    lifecycle: Consumer,
    requests: Consumer,
    owner: LaneOwner,
    dead: DeadLetters,
    limits: BatchLimits,
    /// Batches of this process that may be in work at a time: the others gather meanwhile.
    in_work: Arc<Semaphore>,
}

/// Why a lane's loop ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// It was told to; everything in hand is done.
    Stopped,
    /// Another process owns the lane, or this one is ending: what is not acknowledged comes again.
    Lost,
}

/// What is done with one message.
enum Fate {
    Acknowledge,
    DeadLetter(String),
    Leave,
}

impl LaneQueues {
    /// Takes from the lane's queues. Of several processes that believe they own the lane, the one of the latest epoch gets the messages.
    pub fn new(
        amqp: &Amqp,
        names: &Names,
        (lane, epoch): (LaneNo, i64),
        owner: LaneOwner,
        dead: DeadLetters,
        limits: BatchLimits,
        in_work: Arc<Semaphore>,
    ) -> Self {
        let priority = i32::try_from(epoch).unwrap_or(i32::MAX);
        // Twice a batch, so that the next one is here when this one is committed.
        let consume =
            |kind| amqp.consume(names.lane_queue(lane, kind), limits.batch_max.saturating_mul(2)).with_priority(priority);
        let (lifecycle, requests) = (consume(CommandKind::Lifecycle), consume(CommandKind::Requests));
        Self { lifecycle, requests, owner, dead, limits, in_work }
    }

    /// Batch after batch, until the token is cancelled or the lane is lost; the batch in hand is finished.
    pub async fn run(mut self, stop: CancellationToken) -> Ended {
        let publisher = Publisher::start(self.owner.board().clone(), self.dead.clone());
        let mut upkeep = Instant::now() + UPKEEP;
        let ended = loop {
            if self.owner.is_lost() {
                break Ended::Lost;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => break Ended::Stopped,
                () = sleep_until(upkeep) => {
                    upkeep = Instant::now() + UPKEEP;
                    self.keep_up(&publisher).await;
                }
                first = first(&mut self.lifecycle, &mut self.requests) => {
                    let left = self.take(first, &publisher).await;
                    if left {
                        break Ended::Lost;
                    }
                }
            }
        };
        publisher.finish().await;
        ended
    }

    /// Waits for one batch, handles and acknowledges it; returns how many messages it had.
    pub async fn step(&mut self) -> usize {
        let publisher = Publisher::start(self.owner.board().clone(), self.dead.clone());
        let first = first(&mut self.lifecycle, &mut self.requests).await;
        let batch = self.gather(first).await;
        let size = batch.len();
        self.handle(batch, &publisher).await;
        publisher.finish().await;
        size
    }

    async fn keep_up(&mut self, publisher: &Publisher) {
        if let Err(error) = self.owner.refresh_terms().await {
            tracing::debug!(%error, "terms could not be read again");
        }
        let publications = self.owner.maps_to_repair().await;
        if !publications.is_empty() {
            publisher.send(Finished { publications, fates: Vec::new(), together: true }).await;
        }
    }

    /// True where something was left undecided.
    async fn take(&mut self, first: (CommandKind, Delivery), publisher: &Publisher) -> bool {
        self.owner.health().takes(Duration::ZERO);
        let in_work = Arc::clone(&self.in_work);
        // Closed only with the process.
        let _turn = in_work.acquire().await;
        let batch = self.gather(first).await;
        let left = self.handle(batch, publisher).await;
        self.owner.health().is_idle();
        left
    }

    /// What is there, and what comes within the wait: everything about bookings first, then requests.
    async fn gather(&mut self, first: (CommandKind, Delivery)) -> Vec<(CommandKind, Delivery)> {
        let mut batch = vec![first];
        let deadline = Instant::now() + self.limits.max_wait;
        while batch.len() < usize::from(self.limits.batch_max) {
            let next = match (self.lifecycle.ready(), &mut self.requests) {
                (Some(delivery), _) => Some((CommandKind::Lifecycle, delivery)),
                (None, requests) => requests.ready().map(|delivery| (CommandKind::Requests, delivery)),
            };
            match next {
                Some(next) => batch.push(next),
                None => match timeout_at(deadline, self::first(&mut self.lifecycle, &mut self.requests)).await {
                    Ok(next) => batch.push(next),
                    Err(_) => break,
                },
            }
        }
        // In the order they are decided in; within a queue in the queue's.
        batch.sort_by_key(|(kind, _)| *kind);
        batch
    }

    /// Together, or one by one when something in the batch seems to kill workers: then whatever else is here gets its answer before
    /// the broker gives all of it up. The order changes with every delivery, so that nothing stays behind the killer. True where
    /// something was left undecided.
    async fn handle(&mut self, batch: Vec<(CommandKind, Delivery)>, publisher: &Publisher) -> bool {
        let deliveries = batch.iter().map(|(_, delivery)| delivery.earlier_deliveries()).max().unwrap_or_default();
        if deliveries < SUSPECT_AFTER {
            return self.handle_together(batch, true, publisher).await;
        }
        tracing::warn!(deliveries, messages = batch.len(), "messages came back again and again: one by one");
        let mut one_by_one = batch;
        if deliveries % 2 == 0 {
            one_by_one.reverse();
        }
        for delivery in one_by_one {
            if self.handle_together(vec![delivery], false, publisher).await {
                return true;
            }
            publisher.idle().await;
        }
        false
    }

    async fn handle_together(&mut self, batch: Vec<(CommandKind, Delivery)>, together: bool, publisher: &Publisher) -> bool {
        let (mut jobs, mut places) = (Vec::new(), Vec::new());
        let mut fates: Vec<Fate> = Vec::with_capacity(batch.len());
        for (place, (_, delivery)) in batch.iter().enumerate() {
            match parse(delivery.body()) {
                Parsed::Job(job) => {
                    fates.push(Fate::Leave);
                    places.push(place);
                    let job = Job { redelivered: delivery.redelivered(), ..*job };
                    jobs.push(if is_last_chance(delivery) { job.on_its_last_chance() } else { job });
                }
                Parsed::Unreadable { why } => fates.push(Fate::DeadLetter(why)),
            }
        }
        if let Some(age) = age(&jobs) {
            metrics::histogram!("goticket_booking_queue_age_seconds").record(age);
            self.owner.health().takes(age);
        }
        let settled = self.owner.decide(&jobs).await;
        for (place, verdict) in places.into_iter().zip(settled.verdicts) {
            fates[place] = fate(verdict);
        }
        let left = fates.iter().any(|fate| matches!(fate, Fate::Leave));
        let fates = batch.into_iter().zip(fates).map(|((kind, delivery), fate)| (kind, delivery, fate)).collect();
        publisher.send(Finished { publications: settled.publications, fates, together: together && !left }).await;
        left
    }
}

async fn first(lifecycle: &mut Consumer, requests: &mut Consumer) -> (CommandKind, Delivery) {
    tokio::select! {
        biased;
        delivery = lifecycle.next() => (CommandKind::Lifecycle, delivery),
        delivery = requests.next() => (CommandKind::Requests, delivery),
    }
}

/// Once more, and the broker makes it a dead letter without an answer.
fn is_last_chance(delivery: &Delivery) -> bool {
    delivery.earlier_deliveries() >= u64::from(DELIVERY_LIMIT)
}

fn fate(verdict: Verdict) -> Fate {
    match verdict {
        Verdict::Done(_) => Fate::Acknowledge,
        Verdict::Dead { why } => Fate::DeadLetter(why),
        Verdict::Undecided => Fate::Leave,
    }
}

/// A new booking's id says when it was asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "an age that people look at, by the clock that made the id; no booking is decided with it"
)]
fn age(jobs: &[Job]) -> Option<Duration> {
    let asked = jobs.iter().find_map(Job::asked_at_ms)?;
    let age_ms = Timestamp::now().as_millisecond().saturating_sub(asked).max(0);
    Some(Duration::from_millis(u64::try_from(age_ms).unwrap_or_default()))
}

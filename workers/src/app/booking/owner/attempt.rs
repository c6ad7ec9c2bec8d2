//! One attempt at one batch: load what is not remembered, decide in memory, write, settle what is unknown.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use futures::future::{Either, select};
use goticket_domain::{
    EventId, SeatNo,
    booking::{Answer, Change, Command, Refusal, Terms, WorkingSet, working_set::Applied, working_set::Needs},
    catalog::EventStatus,
};
use goticket_storage::{
    StorageError,
    bookings::{
        load, look_up,
        write::{Batch, write},
    },
    lanes::{self, Fence},
};
use jiff::Timestamp;
use sqlx::{PgConnection, Postgres, pool::PoolConnection};
use tokio::time::timeout;

use super::{BACKOFF_MIN, LaneOwner};
use crate::{
    app::booking::{batch::fold, job::Job},
    outbound::seats::Publication,
};

/// A batch that is committed.
pub(super) struct Decided {
    /// One per job, in their order.
    pub(super) answers: Vec<Answer>,
    pub(super) publications: Vec<Publication>,
}

/// Why an attempt came to nothing. Nothing of it is committed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another process owns the lane.
    Lost,
    /// Something in the database is other than remembered: reading helps.
    Stale {
        /// What was hit.
        why: String,
    },
    /// The database is away, or somebody holds a lock for long: only waiting helps.
    Unavailable(StorageError),
    /// The database gave up on a statement after its time-out.
    TooSlow(StorageError),
    /// The same will happen again.
    Broken {
        /// What the database says.
        why: String,
    },
}

/// Constraints that say that a command was decided before, or that a seat is not as remembered.
const STALE: [&str; 4] = ["bookings_one_outcome", "bookings_pkey", "webhooks_seen_pkey", "taken_seats_pkey"];

/// What applying a batch came to.
struct Made {
    answers: Vec<Answer>,
    changes: Vec<(EventId, Vec<Change>)>,
}

impl LaneOwner {
    /// `careful`: an earlier attempt found that something is not as remembered.
    pub(super) async fn attempt(&mut self, jobs: &[Job], careful: bool) -> Result<Decided, Failure> {
        let begun = Instant::now();
        let limit = self.deciding.batch_timeout;
        let mut connection = self.deciding.pool.acquire().await.map_err(StorageError::from)?;
        let prepared = timeout(limit, self.prepare(&mut connection, jobs, careful)).await;
        prepared.unwrap_or_else(|_| Err(silent(connection_lost()))).inspect_err(|_| self.memory.clear())?;
        let now = self.clock.now();
        let made = self.apply(jobs, now);
        let batch = fold(&made.changes, now);
        if made.changes.is_empty() {
            // No write of its own says that what it was decided with is true.
            let confirmed = timeout(limit, self.confirm(&mut connection)).await;
            confirmed.unwrap_or_else(|_| Err(silent(connection_lost())))?;
        } else {
            if let Err(failure) = self.write(connection, &batch, now).await {
                self.undo(&made, &failure);
                self.deciding.board.unlock(&batch.seats).await;
                return Err(failure);
            }
            metrics::histogram!("goticket_booking_commit_seconds").record(begun.elapsed());
        }
        Ok(self.conclude(jobs, made, &batch))
    }

    /// Loads the events and looks up what the commands need besides.
    async fn prepare(&mut self, db: &mut PgConnection, jobs: &[Job], careful: bool) -> Result<(), Failure> {
        let events: BTreeSet<EventId> = jobs.iter().map(Job::event).collect();
        for &event in &events {
            if !self.memory.knows(event) {
                self.load(db, event).await?;
            }
        }
        let now = self.clock.now();
        for event in events {
            let Some(remembered) = self.memory.get(event) else { continue };
            let mut needs = Needs::default();
            for job in jobs.iter().filter(|job| job.event() == event) {
                remembered.set.needs(&job.message.command, now, careful || job.redelivered, &mut needs);
            }
            if !needs.is_empty() {
                look_up_needs(db, &needs, &mut remembered.set).await?;
            }
        }
        Ok(())
    }

    async fn load(&mut self, db: &mut PgConnection, event: EventId) -> Result<(), Failure> {
        let terms = load::terms(db, &[event]).await?.pop().map(|(_, terms)| terms);
        let sections = self.deciding.plans.get(db, event).await?;
        let live = load::live_bookings(db, event, self.fence.lane, self.fence.epoch).await?;
        let fence = live.fence.ok_or(Failure::Lost)?;
        if fence != self.fence {
            // Somebody moved the lane past us: what we remember is not what is stored.
            self.memory.clear();
            self.fence = fence;
            return Err(stands_elsewhere());
        }
        let terms = terms.unwrap_or_else(unknown_event);
        self.memory.insert(WorkingSet::new(event, terms, sections.iter().cloned().collect(), live.bookings));
        Ok(())
    }

    fn apply(&mut self, jobs: &[Job], now: Timestamp) -> Made {
        let mut made = Made { answers: Vec::with_capacity(jobs.len()), changes: Vec::new() };
        for job in jobs {
            let Some(remembered) = self.memory.get(job.event()) else {
                made.answers.push(Answer::Unknown);
                continue;
            };
            let Applied { answer, changes } = match (&job.message.command, &job.rejected) {
                (Command::Create { request }, Some(rejected)) => remembered.set.refuse(request, Refusal::from(rejected.reason)),
                (command, _) => remembered.set.apply(command, now),
            };
            made.answers.push(answer);
            if !changes.is_empty() {
                made.changes.push((job.event(), changes));
            }
        }
        made
    }

    /// One statement, beside which the seats are locked in Redis: who waits for the lock would be waiting for nothing.
    async fn write(&mut self, mut connection: PoolConnection<Postgres>, batch: &Batch, now: Timestamp) -> Result<(), Failure> {
        let before = self.fence;
        let committing = self.health.commits();
        let lock = self.deciding.board.lock(&batch.seats);
        let writing = timeout(self.deciding.batch_timeout, write(&mut connection, &before, batch, now));
        let written = match select(Box::pin(writing), Box::pin(lock)).await {
            Either::Left((written, _)) => written,
            Either::Right(((), writing)) => writing.await,
        };
        drop(committing);
        match written {
            Ok(Ok(clock)) => {
                self.clock.set(clock);
                self.fence = before.after(batch.events.len());
                Ok(())
            }
            Ok(Err(StorageError::Guard { what })) if what == "fence" => {
                self.confirm(&mut connection).await?;
                Err(stands_elsewhere())
            }
            Ok(Err(error)) => match Failure::from(error) {
                Failure::Unavailable(error) => self.settle(before, error).await,
                failure => Err(failure),
            },
            Err(_) => {
                // Not back into the pool: whatever the connection still says belongs to this batch.
                drop(connection.detach());
                self.settle(before, connection_lost()).await
            }
        }
    }

    /// The lane stands where it is remembered to stand, or what is remembered goes.
    async fn confirm(&mut self, db: &mut PgConnection) -> Result<(), Failure> {
        let fence = lanes::fence(db, self.fence.lane, self.fence.epoch).await?.ok_or(Failure::Lost)?;
        if fence == self.fence {
            return Ok(());
        }
        self.fence = fence;
        self.memory.clear();
        Err(stands_elsewhere())
    }

    /// It is not known whether the batch was committed. Waits for the database, and asks.
    async fn settle(&mut self, before: Fence, cause: StorageError) -> Result<(), Failure> {
        tracing::warn!(lane = %before.lane, %cause, "a batch's end is unknown: asking");
        metrics::counter!("goticket_booking_unknown_commits_total").increment(1);
        let mut backoff = BACKOFF_MIN;
        loop {
            let asked = timeout(self.deciding.batch_timeout, async {
                let mut db = self.deciding.pool.acquire().await?;
                lanes::settle(&mut db, &before).await
            });
            match asked.await {
                Ok(Ok(Some((fence, committed)))) => {
                    self.fence = fence;
                    return if committed { Ok(()) } else { Err(Failure::Unavailable(cause)) };
                }
                Ok(Ok(None)) => return Err(Failure::Lost),
                Ok(Err(error)) => tracing::debug!(%error, "still unknown"),
                Err(_) => tracing::debug!("still unknown: no answer"),
            }
            if self.pause(&mut backoff).await.is_err() {
                // Undecided here: whoever gets the messages finds out.
                return Err(Failure::Lost);
            }
        }
    }

    /// Memory is again as before the attempt, or empty where it was wrong.
    fn undo(&mut self, made: &Made, failure: &Failure) {
        match failure {
            Failure::Stale { why } if why == "bookings_one_outcome" || why == "webhooks_seen_pkey" || why == "payments" => {}
            Failure::Stale { .. } | Failure::Lost => return self.memory.clear(),
            Failure::Unavailable(_) | Failure::TooSlow(_) | Failure::Broken { .. } => {}
        }
        for (event, changes) in made.changes.iter().rev() {
            if let Some(remembered) = self.memory.get(*event) {
                remembered.set.take_back(changes);
            }
        }
    }

    fn conclude(&mut self, jobs: &[Job], made: Made, batch: &Batch) -> Decided {
        let mut publications: BTreeMap<EventId, Publication> = BTreeMap::new();
        for (job, answer) in jobs.iter().zip(&made.answers) {
            let event = job.event();
            publications.entry(event).or_insert_with(|| Publication::new(event)).reply(job, answer.clone());
        }
        let mut changed: BTreeMap<EventId, BTreeSet<SeatNo>> = BTreeMap::new();
        for (event, changes) in &made.changes {
            changed.entry(*event).or_default().extend(changes.iter().flat_map(seats));
        }
        for seat in &batch.seats {
            if let (Some(booking), Some(publication)) = (seat.to, publications.get_mut(&seat.event)) {
                publication.locks.push((seat.seat, booking));
            }
        }
        let missed = self.deciding.board.missed(publications.keys());
        for (event, publication) in &mut publications {
            let Some(remembered) = self.memory.get(*event) else { continue };
            if missed.contains(event) {
                remembered.map = None;
            }
            let seats = changed.remove(event).unwrap_or_default();
            publication.map = remembered.map_update(self.fence.sequence, &seats);
            remembered.set.end_batch();
            // What is not there may be in the making.
            if remembered.set.capacity() == 0 {
                publication.map = None;
                self.memory.forget(*event);
            }
        }
        let in_hand: Vec<EventId> = publications.keys().copied().collect();
        self.memory.shrink(&in_hand);
        Decided { answers: made.answers, publications: publications.into_values().collect() }
    }
}

async fn look_up_needs(db: &mut PgConnection, needs: &Needs, set: &mut WorkingSet) -> Result<(), StorageError> {
    if !needs.bookings.is_empty() {
        let ids: Vec<_> = needs.bookings.iter().copied().collect();
        let event = set.event();
        // A booking of another event is none that this command could be about.
        for booking in look_up::bookings(db, &ids).await?.into_iter().filter(|booking| booking.order().event == event) {
            set.learn_booking(booking);
        }
    }
    if !needs.payments.is_empty() {
        let ids: Vec<_> = needs.payments.iter().copied().collect();
        let mut found: BTreeMap<_, _> = look_up::payments(db, &ids).await?.into_iter().collect();
        for id in ids {
            set.learn_payment(id, found.remove(&id));
        }
    }
    if !needs.keys.is_empty() {
        let keys: Vec<_> = needs.keys.iter().cloned().collect();
        for answer in look_up::answers(db, &keys).await? {
            set.learn_answer(answer.account, answer.key, answer.payload_hash, answer.outcome);
        }
    }
    if !needs.notices.is_empty() {
        let notices: Vec<_> = needs.notices.iter().cloned().collect();
        for (provider, id) in look_up::notices(db, &notices).await? {
            set.learn_notice(provider, id);
        }
    }
    Ok(())
}

/// The seats of a change.
fn seats(change: &Change) -> &[SeatNo] {
    match change {
        Change::Held(made) => &made.order.seats,
        Change::Moved(moved) => &moved.seats,
        Change::Refused(_) | Change::Payment(_) | Change::NoticeSeen { .. } => &[],
    }
}

/// No event has this id: whatever is asked for has no seats.
fn unknown_event() -> Terms {
    Terms {
        status: EventStatus::Published,
        onsale_at: Timestamp::MIN,
        starts_at: Timestamp::MAX,
        hold_seconds: 0,
        ticket_limit: u32::MAX,
        currency: iso_currency::Currency::XXX,
        prices: Vec::new(),
    }
}

/// Somebody moved the lane past us.
fn stands_elsewhere() -> Failure {
    Failure::Stale { why: "the lane stands elsewhere".to_owned() }
}

fn connection_lost() -> StorageError {
    StorageError::Unavailable(sqlx::Error::PoolTimedOut)
}

fn silent(error: StorageError) -> Failure {
    Failure::Unavailable(error)
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Guard { what } => Self::Stale { why: what },
            StorageError::Constraint { constraint } if STALE.contains(&constraint.as_str()) => Self::Stale { why: constraint },
            StorageError::Constraint { constraint } => {
                Self::Broken { why: format!("constraint {constraint} refused the change") }
            }
            // Somebody kept a lock for as long as we are allowed to wait: nothing was written.
            StorageError::Conflict(_) => Self::TooSlow(error),
            StorageError::Unavailable(ref cause) if code(cause).as_deref() == Some("57014") => Self::TooSlow(error),
            StorageError::Unavailable(_) => Self::Unavailable(error),
            StorageError::Unexpected(why) => Self::Broken { why },
        }
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(Into::into)
}

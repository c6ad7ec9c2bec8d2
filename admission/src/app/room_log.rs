//! One room's log and the line in Redis that follows from it: writes what happens, first to Postgres and then to Redis, many fans'
//! at once; and brings Redis up to the log wherever it is behind, has lost everything, or follows from another log.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use goticket_domain::EventId;
use goticket_domain::queue::draw::merkle::BLOCK_LEAVES;
use goticket_domain::queue::{Availability, Entry, Line, PlaceId, QueueError, Score, Segment};
use goticket_storage::queue_log::{self, Decided, Head};
use goticket_storage::rooms::draws;
use goticket_storage::{StorageError, answered};
use sqlx::PgPool;

use super::clock::Clock;
use super::group_commit::Pending;
use super::{redis_failed, storage_failed};
use crate::outbound::redis::{Applied, Filling, Lines, Outline, Places, Snapshot};

/// How often Redis may lose the room, or fall behind, within one call before we give up.
const ATTEMPTS: u32 = 5;
/// So many missing entries are taken over one segment after the other; more are filled in at once.
const CATCH_UP_MAX: u64 = 10_000;
/// Segments read at once.
const PAGE: u32 = 100;
/// A window or slot that is over is not another one's for so long: a claim or renewal of the last moment may be on its way into the log, by a
/// replica whose clock is a little behind.
pub(super) const SETTLES_MS: i64 = 2_000;
/// Places of a drawn lobby that are written at once: a script of so many holds up joins for a few milliseconds.
const SCORES_AT_ONCE: usize = 1_000;
/// Such scripts under way: while Redis runs one, the next are read and sent.
const SCORES_UNDER_WAY: usize = 4;

pub(super) struct RoomLog {
    pub(super) event: EventId,
    /// The event whose seats are sold to whom it lets in.
    pub(super) seats_of: EventId,
    pub(super) pool: PgPool,
    lines: Lines,
    clock: Arc<Clock>,
    /// The log has at least so many entries: a line in Redis with fewer tells nothing.
    size: AtomicU64,
    /// Held by whoever brings Redis up to the log, so that a crowd does it once.
    catching_up: tokio::sync::Mutex<()>,
    /// Held by whoever takes a slot again, so that those who do it together do not thwart each other.
    pub(super) resuming: tokio::sync::Mutex<()>,
    pub(super) pending: Mutex<Pending>,
}

/// A line, and the log it follows from.
struct Folded {
    line: Line,
    size: u64,
    hash: goticket_domain::queue::LogHash,
    at_ms: i64,
}

impl RoomLog {
    pub(super) fn new(event: EventId, seats_of: EventId, pool: PgPool, lines: Lines, clock: Arc<Clock>) -> Self {
        Self {
            event,
            seats_of,
            pool,
            lines,
            clock,
            size: AtomicU64::new(0),
            catching_up: tokio::sync::Mutex::default(),
            resuming: tokio::sync::Mutex::default(),
            pending: Mutex::default(),
        }
    }

    /// The log has at least so many entries.
    pub(super) fn heard_of(&self, size: u64) {
        self.size.fetch_max(size, Ordering::Relaxed);
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Where these places stand.
    pub(super) async fn find(&self, places: &[PlaceId]) -> Result<Places, QueueError> {
        self.up_to_date(|| self.lines.find(self.event, self.now_ms(), places), |found| found.applied).await
    }

    /// The room now, where its log ended at `head` a moment ago. Slots count until they have settled.
    pub(super) async fn look(&self, head: &Head) -> Result<Snapshot, QueueError> {
        let look = async || {
            let seen = self.up_to_date(|| self.lines.look(self.event, self.now_ms() - SETTLES_MS), |seen| seen.applied).await?;
            Ok::<_, QueueError>(Snapshot { ends_ms: seen.ends_ms.map(|ends_ms| ends_ms + SETTLES_MS), ..seen })
        };
        let seen = look().await?;
        if seen.applied > head.size || (seen.applied == head.size && seen.hash != head.hash) {
            // It has grown since, or Postgres has gone back behind what Redis has.
            self.catch_up().await?;
            return look().await;
        }
        Ok(seen)
    }

    /// What is left of the event's seats, as Redis counts it.
    pub(super) async fn availability(&self) -> Result<Vec<Availability>, QueueError> {
        self.lines.availability(self.seats_of).await.map_err(|error| redis_failed(&error))
    }

    /// What a board tells of the line, once the lobby is closed; so many stood there a moment ago.
    pub(super) async fn outline(&self, waiting: u64) -> Result<Outline, QueueError> {
        self.up_to_date(|| self.lines.outline(self.event, self.now_ms(), waiting), |outline| outline.applied).await
    }

    /// How many stand before a place that stands in line.
    pub(super) async fn ahead_of(&self, place: PlaceId) -> Result<u64, QueueError> {
        let ahead = self.lines.ahead_of(self.event, place).await.map_err(|error| redis_failed(&error))?;
        // It may have moved on since it was found.
        Ok(ahead.unwrap_or(0))
    }

    /// How many deferred places have their turn before one of them.
    pub(super) async fn deferred_ahead_of(&self, place: PlaceId) -> Result<u64, QueueError> {
        let ahead = self.lines.deferred_ahead_of(self.event, place).await.map_err(|error| redis_failed(&error))?;
        Ok(ahead.unwrap_or(0))
    }

    /// What a claim of a deferred place is told.
    pub(super) async fn deferred(&self, place: PlaceId) -> Result<QueueError, QueueError> {
        Ok(QueueError::Deferred { ahead: self.deferred_ahead_of(place).await? })
    }

    /// Whether a place was ever deferred.
    pub(super) async fn was_deferred(&self, place: PlaceId) -> Result<bool, QueueError> {
        self.lines.was_deferred(self.event, place).await.map_err(|error| redis_failed(&error))
    }

    /// The same as [`Self::reach`], of deferred places.
    pub(super) async fn reach_deferred(&self, places: u64) -> Result<Option<(Score, u64)>, QueueError> {
        self.lines.reach_deferred(self.event, places).await.map_err(|error| redis_failed(&error))
    }

    /// The score up to which so many places at the front of the line reach, and how many there are; none where the line is empty.
    pub(super) async fn reach(&self, places: u64) -> Result<Option<(Score, u64)>, QueueError> {
        self.lines.reach(self.event, places).await.map_err(|error| redis_failed(&error))
    }

    async fn up_to_date<T, F>(&self, ask: impl Fn() -> F, applied: impl Fn(&T) -> u64) -> Result<T, QueueError>
    where
        F: Future<Output = redis::RedisResult<T>>,
    {
        for _ in 0..ATTEMPTS {
            let size = self.size.load(Ordering::Relaxed);
            let answer = ask().await.map_err(|error| redis_failed(&error))?;
            if applied(&answer) >= size {
                return Ok(answer);
            }
            self.catch_up().await?;
        }
        Err(QueueError::Unavailable)
    }

    /// Writes entries down and takes them over. None where something was decided with what is not so any more, or by an owner
    /// that was replaced.
    pub(super) async fn append(&self, entries: Vec<Entry>, decided: Option<Decided>) -> Result<Option<Segment>, QueueError> {
        let now_ms = self.now_ms();
        let written = answered(async {
            let mut db = self.pool.acquire().await?;
            queue_log::append(&mut db, self.event, entries, now_ms, decided).await
        });
        let Some(segment) = written.await.map_err(storage_failed)? else { return Ok(None) };
        self.take_over(&segment).await?;
        Ok(Some(segment))
    }

    /// Closes the lobby, unless it is; returns how long the log was then. The caller owns the room under this epoch.
    pub(super) async fn close(&self, epoch: i64) -> Result<u64, QueueError> {
        if let Some(segment) = queue_log::close(&self.pool, self.event, epoch, self.now_ms()).await.map_err(storage_failed)? {
            self.take_over(&segment).await?;
        }
        self.head().await?.closed_at.ok_or(QueueError::Unavailable)
    }

    /// The log has this segment: the line follows.
    pub(super) async fn take_over(&self, segment: &Segment) -> Result<(), QueueError> {
        self.heard_of(segment.end());
        if let [Entry::Draw(_)] = segment.entries.as_slice() {
            // Others hear of it as well, and a whole lobby is put in line once.
            return self.catch_up().await;
        }
        match self.apply(segment).await? {
            Applied::Done => Ok(()),
            Applied::Before(_) | Applied::Behind(_) | Applied::Other => self.catch_up().await,
        }
    }

    /// Brings Redis up to the log.
    pub(super) async fn catch_up(&self) -> Result<(), QueueError> {
        let _turn = self.catching_up.lock().await;
        let mut aim = None;
        for _ in 0..ATTEMPTS {
            // In this order: the log only grows.
            let heard_of = self.size.load(Ordering::Relaxed);
            let (applied, hash) = self.lines.applied(self.event).await.map_err(|error| redis_failed(&error))?;
            let head = self.head().await?;
            self.heard_of(head.size);
            if head.size < heard_of {
                tracing::error!(event = %self.event, heard_of, size = head.size, "Postgres has lost entries of the room's log");
                let _ = self.size.compare_exchange(heard_of, head.size, Ordering::Relaxed, Ordering::Relaxed);
            }
            match head.size.checked_sub(applied) {
                Some(0) if hash == head.hash => return Ok(()),
                // What has been written since is taken over by who wrote it.
                Some(1..) if aim.is_some_and(|aim| aim <= applied) => return Ok(()),
                Some(1..=CATCH_UP_MAX) if applied > 0 => {
                    if self.follow(applied).await? {
                        aim = aim.or(Some(head.size));
                    } else {
                        self.fill(applied, "it follows from another log").await?;
                    }
                }
                Some(0) => self.fill(applied, "it follows from another log").await?,
                Some(_) => self.fill(applied, "it is empty or far behind").await?,
                None => self.fill(applied, "it has more than the log").await?,
            }
        }
        Err(QueueError::Unavailable)
    }

    /// Takes over what comes after so many entries. False where the line follows from another log.
    async fn follow(&self, applied: u64) -> Result<bool, QueueError> {
        let segments = answered(queue_log::read(&self.pool, self.event, applied, PAGE)).await.map_err(storage_failed)?;
        if segments.first().is_none_or(|segment| segment.first != applied) {
            return Ok(false);
        }
        for segment in &segments {
            match self.apply(segment).await? {
                Applied::Done | Applied::Before(_) => {}
                // Lost again meanwhile.
                Applied::Behind(_) => return Ok(true),
                Applied::Other => return Ok(false),
            }
        }
        Ok(true)
    }

    async fn apply(&self, segment: &Segment) -> Result<Applied, QueueError> {
        if let [Entry::Draw(_)] = segment.entries.as_slice()
            && let Some(behind) = self.put_ranks(segment.first).await?
        {
            return Ok(behind);
        }
        self.lines.apply(self.event, segment).await.map_err(|error| redis_failed(&error))
    }

    /// Puts the closed lobby into line by its ranks, before entry `at`, which is its draw; returns what the line is where that is not its
    /// turn.
    async fn put_ranks(&self, at: u64) -> Result<Option<Applied>, QueueError> {
        let left = self.left_since_closing(at).await?;
        let mut under_way = FuturesOrdered::<BoxFuture<'static, redis::RedisResult<bool>>>::new();
        for number in 0.. {
            let block = answered(draws::ranks(&self.pool, self.event, number)).await.map_err(storage_failed)?;
            let Some(block) = block else { break };
            let ranked = (number * BLOCK_LEAVES as u64..).zip(block.places).filter(|(_, place)| !left.contains(place));
            let scored: Vec<(PlaceId, Score)> = ranked.filter_map(|(rank, place)| Some((place, Score::drawn(rank)?))).collect();
            for chunk in scored.chunks(SCORES_AT_ONCE) {
                if under_way.len() >= SCORES_UNDER_WAY && !in_time(under_way.next().await)? {
                    return self.behind(at).await;
                }
                let (lines, event, chunk) = (self.lines.clone(), self.event, chunk.to_vec());
                under_way.push_back(Box::pin(async move { lines.put_scores(event, at, &chunk).await }));
            }
        }
        while !under_way.is_empty() {
            if !in_time(under_way.next().await)? {
                return self.behind(at).await;
            }
        }
        Ok(None)
    }

    /// What the line is where it does not stand right before entry `at`. None: somebody else has taken that over, as the segment itself will say.
    async fn behind(&self, at: u64) -> Result<Option<Applied>, QueueError> {
        let (applied, _) = self.lines.applied(self.event).await.map_err(|error| redis_failed(&error))?;
        Ok((applied < at).then_some(Applied::Behind(applied)))
    }

    /// Who has left after the lobby was closed and before its draw, which is entry `at`: their ranks stay empty.
    async fn left_since_closing(&self, at: u64) -> Result<HashSet<PlaceId>, QueueError> {
        let (mut left, mut next) = (HashSet::new(), self.head().await?.closed_at.unwrap_or(at));
        while next < at {
            let segments = answered(queue_log::read(&self.pool, self.event, next, PAGE)).await.map_err(storage_failed)?;
            let Some(last) = segments.last() else { break };
            next = last.end();
            let entries = segments.iter().flat_map(|segment| &segment.entries);
            left.extend(entries.filter_map(|entry| if let Entry::Leave(place) = entry { Some(*place) } else { None }));
        }
        Ok(left)
    }

    /// Builds the line from the whole log and puts it in the place of what Redis has.
    async fn fill(&self, applied: u64, why: &str) -> Result<(), QueueError> {
        let folded = self.fold().await?;
        let filling = Filling { line: &folded.line, size: folded.size, hash: folded.hash, at_ms: folded.at_ms };
        let filled = self.lines.fill(self.event, applied, &filling).await.map_err(|error| redis_failed(&error))?;
        if filled && folded.size > 0 {
            let lost = applied > 0;
            if lost {
                tracing::error!(event = %self.event, applied, size = folded.size, "filled the room's line again: {why}");
            } else {
                tracing::info!(event = %self.event, size = folded.size, "filled the room's line");
            }
            metrics::counter!("admission_lines_filled_total", "from" => if lost { "another" } else { "nothing" }).increment(1);
        }
        Ok(())
    }

    /// The line after all entries.
    async fn fold(&self) -> Result<Folded, QueueError> {
        let mut folded = Folded { line: Line::default(), size: 0, hash: goticket_domain::queue::EMPTY_LOG, at_ms: 0 };
        loop {
            let segments = answered(queue_log::read(&self.pool, self.event, folded.size, PAGE)).await.map_err(storage_failed)?;
            if segments.is_empty() {
                return Ok(folded);
            }
            // Millions of entries: not on a thread that serves requests.
            let folding = tokio::task::spawn_blocking(move || folded.after(&segments));
            folded = folding.await.map_err(|error| failed(error.to_string()))?.map_err(storage_failed)?;
        }
    }

    async fn head(&self) -> Result<Head, QueueError> {
        let head = answered(queue_log::head(&self.pool, self.event)).await.map_err(storage_failed)?;
        head.ok_or(QueueError::UnknownEvent)
    }

    /// The waiting requests' lock.
    pub(super) fn pending(&self) -> std::sync::MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Folded {
    /// An error where the segments are not the ones that follow.
    fn after(mut self, segments: &[Segment]) -> Result<Self, StorageError> {
        for segment in segments {
            if segment.first != self.size || segment.before != self.hash {
                return Err(StorageError::Unexpected(format!("a queue's log is broken before entry {}", segment.first)));
            }
            self.line.apply(segment);
            (self.size, self.hash, self.at_ms) = (segment.end(), segment.hash, segment.at_ms);
        }
        Ok(self)
    }
}

fn in_time(put: Option<redis::RedisResult<bool>>) -> Result<bool, QueueError> {
    put.unwrap_or(Ok(true)).map_err(|error| redis_failed(&error))
}

fn failed(error: String) -> QueueError {
    storage_failed(StorageError::Unexpected(error))
}

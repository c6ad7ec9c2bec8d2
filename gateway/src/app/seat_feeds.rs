//! Who reads an event's seat map as it changes: one subscription per event, shared by all its readers in this process, which ends with
//! the last of them.
//!
//! A reader is told either the change that leads on from the version it was told last, or that it has to read the map. So it needs no
//! memory of what it missed: a lost connection, a reader that is too slow and a map that was replaced are all answered alike.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use goticket_domain::EventId;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OnceCell, broadcast};
use tokio_util::task::AbortOnDropHandle;

use crate::config::GatewayConfig;
use crate::fault::Fault;
use crate::outbound::seat_deltas::{SeatDelta, SeatDeltas, SeatNews, SeatSubscription};

/// Changes kept for readers that are slower than others; who is further behind reads the map.
const DELTAS_KEPT: usize = 256;

/// All events that are followed.
pub(crate) struct SeatFeeds {
    deltas: SeatDeltas,
    /// Each takes a connection to Redis.
    events_max: usize,
    feeds: Mutex<HashMap<EventId, Weak<Feed>>>,
}

/// One event's readers.
struct Feed {
    all: Arc<SeatFeeds>,
    event: EventId,
    subscribed: OnceCell<Subscribed>,
}

struct Subscribed {
    heard: broadcast::Sender<Heard>,
    latest: Arc<AtomicU64>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Clone)]
enum Heard {
    Delta(Arc<SeatDelta>),
    Replaced { version: u64 },
    Missed { version: u64 },
}

/// What a reader is told.
#[derive(Debug)]
pub(crate) enum SeatChange {
    /// What was told before is this change behind.
    Delta(Arc<SeatDelta>),
    /// Read the map; it has at least this version. 0: which one, is not known.
    Map { version: u64 },
}

/// One reader's place among the changes.
pub(crate) struct SeatReader {
    feed: Arc<Feed>,
    heard: broadcast::Receiver<Heard>,
    told: u64,
    knows_the_map: bool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowError {
    #[error("too many events are followed")]
    Full,
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl SeatFeeds {
    pub(crate) fn new(deltas: SeatDeltas, config: &GatewayConfig) -> Arc<Self> {
        let events_max = usize::try_from(config.followed_events_max.get()).unwrap_or(usize::MAX);
        Arc::new(Self { deltas, events_max, feeds: Mutex::default() })
    }

    /// Follows an event from now on. `known`: the version its reader has already.
    pub(crate) async fn follow(self: &Arc<Self>, event: EventId, known: Option<u64>) -> Result<SeatReader, FollowError> {
        let feed = self.feed(event)?;
        let subscribed = feed.subscribed.get_or_try_init(|| feed.subscribe()).await?;
        // In this order: a change that the version does not contain yet will be heard.
        let heard = subscribed.heard.subscribe();
        let version = self.deltas.version(event).await?;
        let knows_the_map = version != 0 && known == Some(version);
        Ok(SeatReader { feed, heard, told: version, knows_the_map })
    }

    fn feed(self: &Arc<Self>, event: EventId) -> Result<Arc<Feed>, FollowError> {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(&event).and_then(Weak::upgrade) {
            return Ok(feed);
        }
        if feeds.len() >= self.events_max {
            return Err(FollowError::Full);
        }
        let feed = Arc::new(Feed { all: Arc::clone(self), event, subscribed: OnceCell::new() });
        feeds.insert(event, Arc::downgrade(&feed));
        Ok(feed)
    }
}

impl Feed {
    async fn subscribe(&self) -> Result<Subscribed, Fault> {
        let subscription = self.all.deltas.subscribe(self.event).await?;
        let (heard, _) = broadcast::channel(DELTAS_KEPT);
        let latest = Arc::new(AtomicU64::new(0));
        let task = listen(Arc::clone(&self.all), self.event, subscription, heard.clone(), Arc::clone(&latest));
        Ok(Subscribed { heard, latest, _task: AbortOnDropHandle::new(tokio::spawn(task)) })
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let mut feeds = self.all.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        // Another one may have taken its place since the last reader went.
        if feeds.get(&self.event).is_some_and(|feed| feed.strong_count() == 0) {
            feeds.remove(&self.event);
        }
    }
}

/// Passes on what is heard, until the last reader is gone.
async fn listen(
    feeds: Arc<SeatFeeds>,
    event: EventId,
    mut subscription: SeatSubscription,
    readers: broadcast::Sender<Heard>,
    latest: Arc<AtomicU64>,
) {
    loop {
        let (heard, version) = match subscription.next().await {
            SeatNews::Delta(delta) => {
                let version = delta.version;
                (Heard::Delta(Arc::new(delta)), version)
            }
            SeatNews::Replaced { version } => (Heard::Replaced { version }, version),
            SeatNews::Missed => {
                // Without an answer: the next change will not lead on from this version, and says so.
                let version = feeds.deltas.version(event).await.unwrap_or_else(|_| latest.load(Ordering::Acquire));
                (Heard::Missed { version }, version)
            }
        };
        // Before it is passed on: a reader that skips what waits for it knows by this how far it has skipped.
        latest.store(version, Ordering::Release);
        // Fails where no one reads: for the moment, or not any more.
        let _ = readers.send(heard);
    }
}

impl SeatReader {
    /// The next change; None when there will be no more. Can be cancelled without loss.
    pub(crate) async fn next(&mut self) -> Option<SeatChange> {
        if !self.knows_the_map {
            self.knows_the_map = true;
            return Some(SeatChange::Map { version: self.told });
        }
        loop {
            match self.heard.recv().await {
                Ok(Heard::Delta(delta)) if delta.version <= self.told => {}
                Ok(Heard::Delta(delta)) if delta.previous == self.told => {
                    self.told = delta.version;
                    return Some(SeatChange::Delta(delta));
                }
                Ok(Heard::Replaced { version }) if version < self.told => {}
                Ok(Heard::Delta(delta)) => return Some(self.read_map(delta.version)),
                Ok(Heard::Replaced { version } | Heard::Missed { version }) => return Some(self.read_map(version)),
                Err(RecvError::Lagged(_)) => {
                    // In this order: what comes after the latest will be heard.
                    self.heard = self.heard.resubscribe();
                    let latest = self.feed.subscribed.get().map_or(0, |subscribed| subscribed.latest.load(Ordering::Acquire));
                    return Some(self.read_map(latest));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn read_map(&mut self, version: u64) -> SeatChange {
        self.told = version;
        SeatChange::Map { version }
    }
}

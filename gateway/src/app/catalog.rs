//! Events as requests need them: read from the database, kept for a moment, and their places, which never change, for long.

use std::sync::Arc;
use std::time::Duration;

use goticket_domain::EventId;
use goticket_domain::catalog::EventStatus;
use goticket_storage::events::{self, Event};
use moka::future::Cache;
use sqlx::PgPool;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::app::caller::Caller;
use crate::app::geometry::{self, Geometry};
use crate::fault::Fault;

/// How old an event may be that fans see. A change is seen at once by the gateway that made it.
const EVENT_AGE_MAX: Duration = Duration::from_secs(1);
/// Events kept.
const EVENTS_MAX: u64 = 10_000;
/// Unknown events that are remembered to be unknown.
const UNKNOWN_MAX: u64 = 10_000;
/// Bytes of all events' places that are kept.
const GEOMETRY_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Plans read at once: each can be tens of megabytes in memory.
const PLANS_AT_ONCE: usize = 2;

/// Why there is no such event for the one who asks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventError {
    /// Unknown, or a draft of somebody else's: which of them, no one is told.
    #[error("no such event")]
    NotFound,
    #[error("the event belongs to another organizer")]
    Forbidden,
    /// It has no seats of its own.
    #[error("it is an onsale of event {0}")]
    OnsaleOf(EventId),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Events and their places. Many who ask at once for one thing share one read.
pub(crate) struct Catalog {
    pool: PgPool,
    events: Cache<EventId, Arc<Event>>,
    /// Those that were looked up in vain, for as long.
    unknown: Cache<EventId, ()>,
    geometries: Cache<EventId, Arc<Geometry>>,
    plan_slots: Semaphore,
}

impl Catalog {
    pub(crate) fn new(pool: PgPool) -> Self {
        let weigh = |_: &EventId, geometry: &Arc<Geometry>| u32::try_from(geometry.bytes()).unwrap_or(u32::MAX);
        Self {
            pool,
            events: Cache::builder().max_capacity(EVENTS_MAX).time_to_live(EVENT_AGE_MAX).build(),
            unknown: Cache::builder().max_capacity(UNKNOWN_MAX).time_to_live(EVENT_AGE_MAX).build(),
            geometries: Cache::builder().max_capacity(GEOMETRY_BYTES_MAX).weigher(weigh).build(),
            plan_slots: Semaphore::new(PLANS_AT_ONCE),
        }
    }

    /// An event that this caller may see: a draft only its organizer and admins.
    pub(crate) async fn visible(&self, id: EventId, caller: Option<Caller>) -> Result<Arc<Event>, EventError> {
        let event = self.any(id).await?;
        let seen = event.status != EventStatus::Draft || caller.is_some_and(|caller| caller.may_manage(event.owner));
        if seen { Ok(event) } else { Err(EventError::NotFound) }
    }

    /// The same, with seats of its own.
    pub(crate) async fn with_seats(&self, id: EventId, caller: Option<Caller>) -> Result<Arc<Event>, EventError> {
        let event = self.visible(id, caller).await?;
        if let Some((of, _)) = event.onsale_of { Err(EventError::OnsaleOf(of)) } else { Ok(event) }
    }

    /// An event that this caller may change; of somebody else's drafts no one learns that they exist.
    pub(crate) async fn managed(&self, id: EventId, caller: Caller) -> Result<Arc<Event>, EventError> {
        let event = self.visible(id, Some(caller)).await?;
        if caller.may_manage(event.owner) { Ok(event) } else { Err(EventError::Forbidden) }
    }

    /// Its places. Only for events that were found.
    pub(crate) async fn geometry(&self, event: &Event) -> Result<Arc<Geometry>, Fault> {
        let load = async {
            let _slot = self.next_plan_slot().await?;
            geometry::load(&self.pool, event.id, event.venue).await
        };
        self.geometries.try_get_with(event.id, load).await.map_err(|fault| (*fault).clone())
    }

    /// The right to hold a plan in memory; None while others do.
    pub(crate) fn plan_slot(&self) -> Option<SemaphorePermit<'_>> {
        self.plan_slots.try_acquire().ok()
    }

    /// The same, when it is one's turn.
    pub(crate) async fn next_plan_slot(&self) -> Result<SemaphorePermit<'_>, Fault> {
        self.plan_slots.acquire().await.map_err(|error| Fault::Bug(error.to_string()))
    }

    /// The next one who asks gets the event as it is now.
    pub(crate) async fn forget(&self, id: EventId) {
        self.events.invalidate(&id).await;
        self.unknown.invalidate(&id).await;
    }

    /// An event, whoever asks: for what belongs to them by other right, like a booking.
    pub(crate) async fn any(&self, id: EventId) -> Result<Arc<Event>, EventError> {
        if self.unknown.contains_key(&id) {
            return Err(EventError::NotFound);
        }
        let load = async {
            let Some(event) = events::find(&self.pool, id).await.map_err(Fault::from)? else {
                self.unknown.insert(id, ()).await;
                return Err(EventError::NotFound);
            };
            Ok(Arc::new(event))
        };
        self.events.try_get_with(id, load).await.map_err(|error| match &*error {
            EventError::NotFound => EventError::NotFound,
            EventError::Forbidden => EventError::Forbidden,
            EventError::OnsaleOf(of) => EventError::OnsaleOf(*of),
            EventError::Fault(fault) => EventError::Fault(fault.clone()),
        })
    }
}

//! Events as requests need them: read from the database, kept for a moment, and their places, which never change, for long.

use std::sync::Arc;
use std::time::Duration;

use goticket_domain::EventId;
use goticket_domain::catalog::EventStatus;
use goticket_domain::policy::{Action, Reason, Resource, Subject};
use goticket_storage::events;
pub(crate) use goticket_storage::events::Event;
use moka::future::Cache;
use sqlx::PgPool;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::app::geometry::{self, Geometry};
use crate::app::policy::{Policy, Refused};
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
    #[error("denied: {0:?}")]
    Denied(Reason),
    /// It has no seats of its own.
    #[error("it is an onsale of event {0}")]
    OnsaleOf(EventId),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Refused> for EventError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Hidden => Self::NotFound,
            Refused::Denied(reason) => Self::Denied(reason),
            Refused::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// Events and their places. Many who ask at once for one thing share one read.
pub(crate) struct Catalog {
    pool: PgPool,
    policy: Arc<Policy>,
    events: Cache<EventId, Arc<Event>>,
    /// Those that were looked up in vain, for as long.
    unknown: Cache<EventId, ()>,
    geometries: Cache<EventId, Arc<Geometry>>,
    plan_slots: Semaphore,
}

impl Catalog {
    pub(crate) fn new(pool: PgPool, policy: Arc<Policy>) -> Self {
        let weigh = |_: &EventId, geometry: &Arc<Geometry>| u32::try_from(geometry.bytes()).unwrap_or(u32::MAX);
        Self {
            pool,
            policy,
            events: Cache::builder().max_capacity(EVENTS_MAX).time_to_live(EVENT_AGE_MAX).build(),
            unknown: Cache::builder().max_capacity(UNKNOWN_MAX).time_to_live(EVENT_AGE_MAX).build(),
            geometries: Cache::builder().max_capacity(GEOMETRY_BYTES_MAX).weigher(weigh).build(),
            plan_slots: Semaphore::new(PLANS_AT_ONCE),
        }
    }

    /// The only way to an event: by what one means to do with it.
    pub(crate) async fn access(&self, subject: &Subject, action: Action, id: EventId) -> Result<Arc<Event>, EventError> {
        let event = self.any(id).await?;
        let resource = Resource::event(event.organization, event.status != EventStatus::Draft);
        self.policy.allow(subject, action, &resource).await?;
        Ok(event)
    }

    /// The same, with seats of its own.
    pub(crate) async fn with_seats(&self, subject: &Subject, action: Action, id: EventId) -> Result<Arc<Event>, EventError> {
        let event = self.access(subject, action, id).await?;
        if let Some((of, _)) = event.onsale_of { Err(EventError::OnsaleOf(of)) } else { Ok(event) }
    }

    /// The event of a booking that its reader was let in to: bookings outlive the publication of their events.
    pub(crate) async fn of_booking(&self, booked: EventId) -> Result<Arc<Event>, Fault> {
        self.any(booked).await.map_err(|error| match error {
            EventError::Fault(fault) => fault,
            EventError::NotFound | EventError::Denied(_) | EventError::OnsaleOf(_) => {
                Fault::Bug(format!("a booking's event {booked} is gone"))
            }
        })
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

    /// An event, whoever asks.
    async fn any(&self, id: EventId) -> Result<Arc<Event>, EventError> {
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
            EventError::Denied(reason) => EventError::Denied(*reason),
            EventError::OnsaleOf(of) => EventError::OnsaleOf(*of),
            EventError::Fault(fault) => EventError::Fault(fault.clone()),
        })
    }
}

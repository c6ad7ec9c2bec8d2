//! Which rooms are this replica's: it alone admits to them, keeps their schedule and makes their boards. Anything else is served by every
//! replica.
//!
//! Replicas share the rooms by leases. What keeps two from doing the same is the epoch, which the database asks for in everything that
//! only an owner writes.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use goticket_domain::EventId;
use goticket_storage::StorageError;
use goticket_storage::leases::{Change, RoomOwner, Shares};
use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::WaitingRoomService;
use super::tick::measure;

/// How often a replica is heard of in the length of a lease: one beat may fail, and another be late.
pub const BEATS_PER_LEASE: u32 = 4;

pub(super) struct Ownership {
    /// None after everything was given back.
    shares: Mutex<Option<Shares<RoomOwner>>>,
    owned: RwLock<Owned>,
    lease: Duration,
}

/// As the last beat left it.
#[derive(Default)]
struct Owned {
    epochs: HashMap<EventId, i64>,
    /// A replica that was not heard of for longer has nothing, whatever it thinks.
    until: Option<Instant>,
}

impl Ownership {
    pub(super) fn new(pool: PgPool, lease: Duration) -> Self {
        Self { shares: Mutex::new(Some(Shares::new(pool, RoomOwner, lease))), owned: RwLock::default(), lease }
    }

    /// Between two beats.
    pub(super) fn beat_every(&self) -> Duration {
        self.lease / BEATS_PER_LEASE
    }

    /// The epoch under which the room is ours; none where it is not.
    pub(super) fn epoch(&self, event: EventId) -> Option<i64> {
        let owned = self.owned.read().unwrap_or_else(PoisonError::into_inner);
        owned.until.filter(|until| Instant::now() < *until)?;
        owned.epochs.get(&event).copied()
    }

    /// Everything that is ours, and under which epochs.
    pub(super) fn rooms(&self) -> Vec<(EventId, i64)> {
        let owned = self.owned.read().unwrap_or_else(PoisonError::into_inner);
        match owned.until {
            Some(until) if Instant::now() < until => owned.epochs.iter().map(|(event, epoch)| (*event, *epoch)).collect(),
            _ => Vec::new(),
        }
    }

    async fn beat(&self) -> Result<(), StorageError> {
        let mut shares = self.shares.lock().await;
        let Some(shares) = shares.as_mut() else { return Ok(()) };
        let mut changes = shares.tick(Instant::now()).await?;
        if shares.held().next().is_none() && !changes.is_empty() {
            // Lost by a pause: what no other took meanwhile is ours again, in another epoch.
            changes.extend(shares.tick(Instant::now()).await?);
        }
        self.note(shares);
        let mut released = Ok(());
        for change in changes {
            match change {
                Change::Gained(_) => {}
                Change::Lost(event) => measure(event, 0, 0, 0),
                // Nothing is in hand: whatever is on its way writes in one statement or transaction, which says the epoch.
                Change::GiveUp(event) => {
                    self.forget(event);
                    measure(event, 0, 0, 0);
                    match released {
                        Ok(()) => released = shares.release(event).await,
                        // Still ours by the table, so that a beat takes it again.
                        Err(_) => shares.forget(event),
                    }
                }
            }
        }
        released
    }

    fn note(&self, shares: &Shares<RoomOwner>) {
        let epochs = shares.held().map(|lease| (lease.key, lease.epoch)).collect();
        *self.owned.write().unwrap_or_else(PoisonError::into_inner) = Owned { epochs, until: shares.held_until() };
    }

    /// The room needs no owner any more, or has another one.
    pub(super) fn forget(&self, event: EventId) {
        self.owned.write().unwrap_or_else(PoisonError::into_inner).epochs.remove(&event);
    }

    async fn leave(&self) {
        *self.owned.write().unwrap_or_else(PoisonError::into_inner) = Owned::default();
        if let Some(shares) = self.shares.lock().await.take() {
            shares.leave().await;
        }
    }
}

impl WaitingRoomService {
    /// Tells that this replica lives, and takes its share of the rooms or gives back what is too much.
    pub async fn share_rooms(&self) {
        if let Err(error) = self.ownership.beat().await {
            tracing::warn!(%error, "the rooms' owners cannot be looked at");
        }
    }

    /// Gives every room back, so that others need not wait for the end of the lease. It takes none any more.
    pub async fn give_rooms_back(&self) {
        self.ownership.leave().await;
    }
}

//! Sessions that ended before their access tokens did: those are refused.

use std::sync::Arc;
use std::time::Duration;

use goticket_storage::{StorageError, sessions};
use goticket_tokens::LEEWAY_SECONDS;
use moka::sync::Cache;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Sessions remembered, about 100 bytes each. If more than these end within the life of an access token, some of their tokens run out by
/// themselves.
const ENDED_MAX: u64 = 200_000;
/// Between two looks: so long an access token outlives its session on other gateways than the one that ended it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Each look goes back so much further than the last one: a session's end is dated before it is committed.
const OVERLAP: Duration = Duration::from_secs(30);

/// See the module.
pub(crate) struct EndedSessions {
    ended: Cache<Uuid, ()>,
    /// How long an access token can be good.
    window: Duration,
}

impl EndedSessions {
    /// Access tokens live so long.
    pub(crate) fn new(access_ttl: Duration) -> Self {
        let window = access_ttl + Duration::from_secs(LEEWAY_SECONDS.unsigned_abs());
        Self { ended: Cache::builder().max_capacity(ENDED_MAX).time_to_live(window + OVERLAP).build(), window }
    }

    pub(crate) fn has(&self, session: Uuid) -> bool {
        self.ended.contains_key(&session)
    }

    /// These have ended just now.
    pub(crate) fn add(&self, sessions: &[Uuid]) {
        for session in sessions {
            self.ended.insert(*session, ());
        }
    }

    /// Learns of what ended before this process began.
    pub(crate) async fn catch_up(&self, pool: &PgPool) -> Result<(), StorageError> {
        self.look_back(pool, self.window).await
    }

    async fn look_back(&self, pool: &PgPool, window: Duration) -> Result<(), StorageError> {
        self.add(&sessions::ended_within(pool, window.min(self.window)).await?);
        Ok(())
    }

    /// Learns of what ends on other gateways, until the process ends.
    pub(crate) async fn follow(self: Arc<Self>, pool: PgPool, ending: CancellationToken) {
        let mut seen = Instant::now();
        while ending.run_until_cancelled(sleep(LOOK_EVERY)).await.is_some() {
            let begun = Instant::now();
            match self.look_back(&pool, seen.elapsed() + OVERLAP).await {
                Ok(()) => seen = begun,
                Err(error) => tracing::debug!(%error, "which sessions ended is not known for the moment"),
            }
        }
    }
}

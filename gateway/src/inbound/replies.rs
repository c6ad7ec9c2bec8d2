//! Replies of the booking worker, heard on this gateway's own Redis channel.

use std::sync::Arc;
use std::time::Duration;

use goticket_contracts::replies::Reply;
use goticket_platform::redis::{Notice, Redis, Subscription};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::app::waiters::Waiters;

/// Between two looks at whether Redis is there.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Notes whether replies can arrive, until the process ends.
pub(crate) async fn watch_connectivity(redis: Redis, waiters: Arc<Waiters>, ending: CancellationToken) {
    while ending.run_until_cancelled(sleep(LOOK_EVERY)).await.is_some() {
        waiters.set_connected(redis.ping().await.is_ok());
    }
}

/// Hands replies to the requests that wait, until the process ends.
pub(crate) async fn listen(mut subscription: Subscription, waiters: Arc<Waiters>, ending: CancellationToken) {
    while let Some(notice) = ending.run_until_cancelled(subscription.next()).await {
        match notice {
            Notice::Message { payload, .. } => match serde_json::from_slice::<Reply>(&payload) {
                Ok(reply) => waiters.deliver(&reply),
                Err(error) => tracing::warn!(%error, "a reply that cannot be read"),
            },
            Notice::Gap => waiters.look_all(),
        }
    }
}

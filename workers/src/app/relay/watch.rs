//! The alarm for whatever holds domain events back: Kafka away, no relay running, or a lane in which a position is missing.

use std::time::Duration;

use goticket_storage::{answered, outbox::relay as outbox};
use sqlx::PgPool;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const INTERVAL: Duration = Duration::from_secs(5);

/// From here on it is logged, too.
const LATE: Duration = Duration::from_secs(30);

/// Measures `goticket_relay_oldest_unpublished_seconds` of all lanes until `stop`; every relay does, whichever lanes it has.
pub(super) async fn unpublished(pool: PgPool, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let age = answered(async {
            let mut db = pool.acquire().await?;
            outbox::oldest_unpublished(&mut db).await
        });
        match age.await {
            Ok(age) => {
                metrics::gauge!("goticket_relay_oldest_unpublished_seconds").set(age.as_secs_f64());
                if age.unsigned_abs() > LATE && age.is_positive() {
                    tracing::warn!(age_s = age.as_secs(), "domain events are late: is Kafka away, or a lane stopped?");
                }
            }
            Err(error) => tracing::debug!(%error, "the outbox's age cannot be measured"),
        }
        let _ = stop.run_until_cancelled(sleep(INTERVAL)).await;
    }
}

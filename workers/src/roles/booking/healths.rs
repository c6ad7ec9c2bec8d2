//! How this process's lanes do: kept by their owners, told once a second.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use goticket_domain::{lane::LaneNo, queue::Health};
use goticket_platform::{amqp::Amqp, redis::Redis};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::lanes::Holding;
use crate::{app::booking::LaneHealth, outbound::lane_health::say};

/// Between two words about a lane.
const EVERY: Duration = Duration::from_secs(1);

/// The lanes that are held; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Healths(Arc<Mutex<BTreeMap<Holding, Arc<LaneHealth>>>>);

/// A lane is told of as long as this lives.
pub(super) struct Told {
    healths: Healths,
    holding: Holding,
}

impl Healths {
    pub(super) fn tell(&self, holding: Holding, health: Arc<LaneHealth>) -> Told {
        self.held().insert(holding, health);
        Told { healths: self.clone(), holding }
    }

    /// Where a lane is held in two epochs, the later one comes last.
    fn read(&self) -> Vec<(LaneNo, Health)> {
        self.held().iter().map(|((lane, _), health)| (*lane, health.read())).collect()
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<Holding, Arc<LaneHealth>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until `stop`. Nothing is said while the broker is away: lanes to which no request comes look calm.
    pub(super) async fn run(self, redis: Redis, amqp: Arc<Amqp>, stop: CancellationToken) {
        let reachable = amqp.health();
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let lanes = self.read();
            if lanes.is_empty() || reachable().is_err() {
                continue;
            }
            if let Err(error) = say(&redis, &lanes).await {
                tracing::debug!(%error, "how the lanes do could not be told");
                metrics::counter!("goticket_booking_redis_errors_total", "step" => "health").increment(1);
            }
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.healths.held().remove(&self.holding);
    }
}

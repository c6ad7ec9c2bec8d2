//! How the booking pipeline does, as its lanes' owners say it.

use goticket_contracts::redis_keys::lane_health;
use goticket_domain::lane::LaneNo;
use goticket_domain::queue::Health;
use redis::{RedisResult, cmd};

use super::Lines;

impl Lines {
    /// How this lane does; none where its owner was silent for too long. One operation.
    pub async fn lane_health(&self, lane: LaneNo) -> RedisResult<Option<Health>> {
        let said: Option<Vec<u8>> = self.redis.query(cmd("GET").arg(lane_health(self.redis.prefix(), lane))).await?;
        let read = said.map(|said| serde_json::from_slice(&said)).transpose();
        Ok(read
            .inspect_err(|error| tracing::error!(%error, %lane, "a lane's health cannot be read: another version says it"))
            .unwrap_or_default())
    }
}

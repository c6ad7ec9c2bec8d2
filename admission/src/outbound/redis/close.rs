//! Clearing up after a room.

use goticket_domain::EventId;
use redis::{RedisResult, cmd};

use super::Lines;

impl Lines {
    /// Drops a closed room's line, whatever its size, without holding anyone up. What happened is in its log.
    pub async fn close(&self, event: EventId) -> RedisResult<()> {
        let _: u64 = self.redis.query(cmd("UNLINK").arg(self.line_keys(event))).await?;
        Ok(())
    }
}

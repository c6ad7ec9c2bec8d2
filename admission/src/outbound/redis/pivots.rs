//! Known points of the line: `pivots.lua`.

use goticket_domain::EventId;
use goticket_domain::queue::Pivot;
use redis::RedisResult;

use super::{Lines, Reply, count, score, unexpected};

/// Most pivots on a board: keeps it at a few kilobytes. Ten million places need 310.
const PIVOTS_MAX: u32 = 512;

impl Lines {
    /// The line's pivots, front first.
    pub async fn pivots(&self, event: EventId) -> RedisResult<Vec<Pivot>> {
        let reply: Reply = self.redis.eval(&self.scripts.pivots, &[self.keys(event).line()], PIVOTS_MAX).await?;
        if reply.0 != "OK" {
            return unexpected("pivots", &reply);
        }
        let pivot = |pair: &[i64]| Some(Pivot { ahead: count(pair[0]), score: score(pair[1])? });
        Ok(reply.1.chunks_exact(2).filter_map(pivot).collect())
    }
}

//! Putting a drawn lobby into line: `scores.lua`.

use goticket_domain::EventId;
use goticket_domain::queue::{PlaceId, Score};
use redis::RedisResult;

use super::{Lines, Reply, unexpected};

impl Lines {
    /// Puts drawn places into line: those who have not left since the lobby was closed. False where Redis does not stand right before the
    /// draw, which is entry `at` of the log.
    pub async fn put_scores(&self, event: EventId, at: u64, drawn: &[(PlaceId, Score)]) -> RedisResult<bool> {
        let k = self.keys(event);
        let pairs: Vec<(u64, &[u8])> = drawn.iter().map(|(place, score)| (score.as_u64(), place.0.as_slice())).collect();
        let reply: Reply = self.redis.eval(&self.scripts.scores, &[k.room(), k.line()], (at, pairs)).await?;
        match reply.0.as_str() {
            "OK" => Ok(true),
            "BEHIND" => Ok(false),
            _ => unexpected("scores", &reply),
        }
    }
}

//! What a draw needs of Redis: the closed lobby, and its scores in line (`scores.lua`).

use goticket_domain::EventId;
use goticket_domain::queue::{PlaceId, Score};
use redis::{RedisResult, cmd};

use super::{Lines, Reply, unexpected};

impl Lines {
    /// So many places of the closed lobby from `first` on, which nothing changes before the draw is taken over.
    pub async fn lobby(&self, event: EventId, first: usize, chunk: usize) -> RedisResult<Vec<PlaceId>> {
        let names: Vec<Vec<u8>> =
            self.redis.query(cmd("ZRANGE").arg(self.keys(event).lobby()).arg(first).arg(first + chunk - 1)).await?;
        Ok(names.into_iter().filter_map(|name| Some(PlaceId(name.try_into().ok()?))).collect())
    }

    /// Puts drawn places into line. False where Redis does not stand right before the draw, which is entry `at` of the log.
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

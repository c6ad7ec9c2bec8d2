//! Taking a place: `join.lua`.

use goticket_domain::EventId;
use goticket_domain::queue::{PlaceId, RoomState, Score};
use redis::RedisResult;

use super::{Lines, Reply, count, score, unexpected};

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JoinAnswer {
    /// The place, new or found again.
    Place {
        /// Redis' time, Unix ms.
        now_ms: i64,
        /// The room's epoch.
        epoch: u64,
        /// Its score; 0 in the lobby.
        score: Score,
        /// It was there before.
        existing: bool,
    },
    /// Redis does not know the room.
    Cold,
    /// The line is as long as it may get.
    Full,
    /// The room takes nobody in.
    Refused(RoomState),
}

impl Lines {
    /// Takes a place, or finds it again.
    pub async fn join(&self, event: EventId, place: PlaceId, max_line: u32) -> RedisResult<JoinAnswer> {
        let k = self.keys(event);
        let keys = [k.room(), k.line(), k.lobby(), k.admitted(), k.sessions(), k.gone(), k.scores()];
        let reply: Reply = self.redis.eval(&self.scripts.join, &keys, (place.to_hex(), max_line)).await?;
        match (reply.0.as_str(), reply.1.as_slice()) {
            ("OK", &[now_ms, epoch, at, existing]) => match score(at) {
                Some(score) => Ok(JoinAnswer::Place { now_ms, epoch: count(epoch), score, existing: existing == 1 }),
                None => unexpected("join", &reply),
            },
            ("COLD", _) => Ok(JoinAnswer::Cold),
            ("FULL", _) => Ok(JoinAnswer::Full),
            (state, _) => state.parse().map(JoinAnswer::Refused).or_else(|_| unexpected("join", &reply)),
        }
    }
}

//! Giving a place or session back: `leave.lua`.

use goticket_domain::EventId;
use goticket_domain::queue::PlaceId;
use redis::RedisResult;

use super::{Lines, Reply, unexpected};

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaveAnswer {
    /// Given back, or nothing was there.
    Left {
        /// Something was there.
        removed: bool,
    },
    /// Redis does not know the room.
    Cold,
}

impl Lines {
    /// Gives a place or session back.
    pub async fn leave(&self, event: EventId, place: PlaceId) -> RedisResult<LeaveAnswer> {
        let k = self.keys(event);
        let keys = [k.room(), k.line(), k.lobby(), k.admitted(), k.sessions(), k.gone(), k.scores()];
        let reply: Reply = self.redis.eval(&self.scripts.leave, &keys, place.to_hex()).await?;
        match (reply.0.as_str(), reply.1.as_slice()) {
            ("OK", &[removed]) => Ok(LeaveAnswer::Left { removed: removed == 1 }),
            ("COLD", _) => Ok(LeaveAnswer::Cold),
            _ => unexpected("leave", &reply),
        }
    }
}

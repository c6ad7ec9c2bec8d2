//! From admitted to inside: `claim.lua`.

use goticket_domain::EventId;
use goticket_domain::queue::PlaceId;
use redis::RedisResult;

use super::{Lines, Reply, unexpected};

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClaimAnswer {
    /// A session, new or the same as before.
    Inside {
        /// Redis' time, Unix ms.
        now_ms: i64,
        /// The session's end, Unix ms.
        until_ms: i64,
    },
    /// Redis does not know the room.
    Cold,
    /// The room is over.
    Closed,
    /// Neither admitted nor inside in time: [`Lines::place`] knows why.
    Elsewhere,
}

impl Lines {
    /// Turns an admitted place into a session of so many seconds.
    pub async fn claim(&self, event: EventId, place: PlaceId, session_s: u32) -> RedisResult<ClaimAnswer> {
        let k = self.keys(event);
        let keys = [k.room(), k.admitted(), k.sessions()];
        let args = (place.to_hex(), u64::from(session_s) * 1_000);
        let reply: Reply = self.redis.eval(&self.scripts.claim, &keys, args).await?;
        match (reply.0.as_str(), reply.1.as_slice()) {
            ("OK", &[now_ms, until_ms]) => Ok(ClaimAnswer::Inside { now_ms, until_ms }),
            ("COLD", _) => Ok(ClaimAnswer::Cold),
            ("CLOSED", _) => Ok(ClaimAnswer::Closed),
            ("ELSE", _) => Ok(ClaimAnswer::Elsewhere),
            _ => unexpected("claim", &reply),
        }
    }
}

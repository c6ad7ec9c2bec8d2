//! Looking a place up: `place.lua`.

use goticket_domain::EventId;
use goticket_domain::queue::{PlaceId, Score};
use redis::RedisResult;

use super::{Lines, Reply, count, score, unexpected};

/// Where a place stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlaceAnswer {
    /// Redis does not know the room.
    Cold,
    /// In the lobby, or in line while the lobby is being drawn.
    Lobby,
    /// In line.
    Waiting {
        /// Its score.
        score: Score,
        /// How many stand before it.
        ahead: u64,
    },
    /// To be claimed.
    Admitted {
        /// By then, Unix ms.
        claim_by_ms: i64,
    },
    /// In a session.
    Inside {
        /// Until then, Unix ms.
        until_ms: i64,
    },
    /// Admitted once, and not claimed in time.
    Passed,
    /// Left, or its session is over.
    Over,
    /// Unknown in this epoch.
    Missing {
        /// The room's epoch.
        epoch: u64,
    },
}

impl Lines {
    /// Where a place stands exactly.
    pub async fn place(&self, event: EventId, place: PlaceId) -> RedisResult<PlaceAnswer> {
        let k = self.keys(event);
        let keys = [k.room(), k.line(), k.lobby(), k.admitted(), k.sessions(), k.gone()];
        let reply: Reply = self.redis.eval(&self.scripts.place, &keys, place.to_hex()).await?;
        match (reply.0.as_str(), reply.1.as_slice()) {
            ("COLD", _) => Ok(PlaceAnswer::Cold),
            ("LOBBY", _) => Ok(PlaceAnswer::Lobby),
            ("WAITING", &[at, ahead]) => match score(at) {
                Some(score) => Ok(PlaceAnswer::Waiting { score, ahead: count(ahead) }),
                None => unexpected("place", &reply),
            },
            ("ADMITTED", &[claim_by_ms]) => Ok(PlaceAnswer::Admitted { claim_by_ms }),
            ("INSIDE", &[until_ms]) => Ok(PlaceAnswer::Inside { until_ms }),
            ("PASSED", _) => Ok(PlaceAnswer::Passed),
            ("OVER", _) => Ok(PlaceAnswer::Over),
            ("MISSING", &[epoch]) => Ok(PlaceAnswer::Missing { epoch: count(epoch) }),
            _ => unexpected("place", &reply),
        }
    }
}

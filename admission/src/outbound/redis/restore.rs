//! Putting a place back that Redis has lost: `restore.lua`.

use goticket_domain::queue::{PlaceTicket, Score};
use redis::RedisResult;

use super::{Lines, Reply, unexpected};

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RestoreAnswer {
    /// It stands where its ticket says.
    Restored,
    /// It is here already and no further back, or was not lost by Redis.
    Known,
    /// Its draw is still to come.
    Undrawn,
    /// Redis does not know the room.
    Cold,
}

impl Lines {
    /// Puts the place of a ticket of an earlier epoch back at its score (None while its draw is to come).
    pub async fn restore(&self, ticket: &PlaceTicket, score: Option<Score>, claim_window_s: u32) -> RedisResult<RestoreAnswer> {
        let k = self.keys(ticket.event);
        let keys = [k.room(), k.line(), k.lobby(), k.admitted(), k.sessions(), k.gone(), k.scores()];
        let score = score.map_or(String::new(), |s| s.as_u64().to_string());
        let args = (ticket.place.to_hex(), ticket.epoch, score, u64::from(claim_window_s) * 1_000, ticket.issued_at_ms);
        let reply: Reply = self.redis.eval(&self.scripts.restore, &keys, args).await?;
        match reply.0.as_str() {
            "OK" => Ok(RestoreAnswer::Restored),
            "KNOWN" => Ok(RestoreAnswer::Known),
            "UNDRAWN" => Ok(RestoreAnswer::Undrawn),
            "COLD" => Ok(RestoreAnswer::Cold),
            _ => unexpected("restore", &reply),
        }
    }
}

//! The draw's three steps in Redis: freeze the lobby, read it, write its order (`freeze.lua`, `scores.lua`).

use goticket_domain::EventId;
use goticket_domain::queue::{PlaceId, Score};
use redis::{RedisResult, cmd};

use super::{Lines, Reply, count, unexpected};

/// What came of freezing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FreezeAnswer {
    /// The lobby is closed, with so many places.
    Frozen(u64),
    /// Redis does not know the room.
    Cold,
}

/// What came of writing a chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScoresAnswer {
    /// In line.
    Written,
    /// Redis has lost the room meanwhile: draw again.
    Cold,
    /// Another attempt has finished the draw.
    Done,
}

impl Lines {
    /// Closes the lobby: who joins from now on gets a sequence number.
    pub async fn freeze(&self, event: EventId) -> RedisResult<FreezeAnswer> {
        let k = self.keys(event);
        let keys = [k.room(), k.line(), k.lobby()];
        let reply: Reply = self.redis.eval(&self.scripts.freeze, &keys, None::<&str>).await?;
        match (reply.0.as_str(), reply.1.as_slice()) {
            ("OK", &[places]) => Ok(FreezeAnswer::Frozen(count(places))),
            ("COLD", _) => Ok(FreezeAnswer::Cold),
            _ => unexpected("freeze", &reply),
        }
    }

    /// So many places of the frozen lobby from `first` on, which nothing can change any more.
    pub async fn frozen(&self, event: EventId, first: usize, chunk: usize) -> RedisResult<Vec<PlaceId>> {
        let mut ask = cmd("ZRANGE");
        ask.arg(self.keys(event).lobby()).arg(first).arg(first + chunk - 1);
        let names: Vec<String> = self.redis.query(&ask).await?;
        Ok(names.iter().filter_map(|name| PlaceId::from_hex(name)).collect())
    }

    /// Puts drawn places into the line.
    pub async fn write_scores(&self, event: EventId, drawn: &[(PlaceId, Score)]) -> RedisResult<ScoresAnswer> {
        let k = self.keys(event);
        let keys = [k.room(), k.line(), k.gone()];
        let args: Vec<String> = drawn.iter().flat_map(|(place, score)| [place.to_hex(), score.as_u64().to_string()]).collect();
        let reply: Reply = self.redis.eval(&self.scripts.scores, &keys, args).await?;
        match reply.0.as_str() {
            "OK" => Ok(ScoresAnswer::Written),
            "COLD" => Ok(ScoresAnswer::Cold),
            "DONE" => Ok(ScoresAnswer::Done),
            _ => unexpected("scores", &reply),
        }
    }
}

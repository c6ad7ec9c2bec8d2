//! Filling a room from what is durable: `init.lua`.

use goticket_storage::rooms::Room;
use redis::{RedisResult, cmd};

use super::{Lines, Reply, unexpected};

/// What Redis holds of a room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Warmth {
    /// Nothing.
    Cold,
    /// A room of this epoch.
    Filled {
        /// Its epoch.
        epoch: u64,
        /// It is at or beyond what is durable.
        current: bool,
    },
}

impl Lines {
    /// Compares what Redis holds with what is durable.
    pub async fn warmth(&self, room: &Room) -> RedisResult<Warmth> {
        let mut ask = cmd("HMGET");
        ask.arg(self.keys(room.event).room()).arg(&["epoch", "admitted", "frontier"]);
        let (epoch, admitted, frontier): (Option<u64>, Option<u64>, Option<i64>) = self.redis.query(&ask).await?;
        Ok(epoch.map_or(Warmth::Cold, |epoch| {
            let not_behind = admitted >= Some(room.admitted) && frontier >= Some(room.frontier_number());
            Warmth::Filled { epoch, current: epoch == room.epoch && not_behind }
        }))
    }

    /// Fills the room, unless another replica has done so in this epoch or a later one.
    pub async fn init(&self, room: &Room) -> RedisResult<()> {
        let k = self.keys(room.event);
        let keys = [k.room(), k.line(), k.lobby(), k.admitted(), k.sessions()];
        let args = (
            (room.epoch, room.revision, room.state.as_str(), room.frontier_number()),
            (room.admitted, room.next_sequence, room.active, room.active_until_ms),
        );
        let reply: Reply = self.redis.eval(&self.scripts.init, &keys, args).await?;
        if reply.0 == "OK" { Ok(()) } else { unexpected("init", &reply) }
    }
}

//! Clearing up after a room: `close.lua`.

use goticket_storage::rooms::Room;
use redis::RedisResult;

use super::{Lines, Reply, unexpected};

/// How long a closed room's keys stay, for whoever asks what happened.
const KEEP_S: u32 = 24 * 3_600;

impl Lines {
    /// Lets a closed room's keys expire.
    pub async fn close(&self, room: &Room) -> RedisResult<()> {
        let k = self.keys(room.event);
        let keys = [k.room(), k.line(), k.lobby(), k.admitted(), k.sessions(), k.gone(), k.scores()];
        let reply: Reply = self.redis.eval(&self.scripts.close, &keys, (KEEP_S, room.revision)).await?;
        if reply.0 == "OK" { Ok(()) } else { unexpected("close", &reply) }
    }
}

//! The line in Redis, as it follows from the room's log: one Lua script per change or look, each beside the Rust that calls it.

mod apply;
mod close;
mod draw;
mod fill;
mod find;
mod health;
mod look;
mod outline;
mod publish;

use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::EventId;
use goticket_domain::queue::Score;
use goticket_platform::redis::Redis;
use redis::{ErrorKind, RedisError, RedisResult, Script};

pub use apply::Applied;
pub use fill::{Filling, line_keys};
pub use find::{Found, Places};
pub use look::Snapshot;
pub use outline::{MORE_MAX, Outline};
pub(crate) use publish::read_board;

/// The lines of all rooms.
#[derive(Clone)]
pub struct Lines {
    redis: Redis,
    scripts: &'static Scripts,
}

/// All scripts, hashed once.
struct Scripts {
    apply: Script,
    find: Script,
    look: Script,
    outline: Script,
    publish: Script,
    scores: Script,
    swap: Script,
}

static SCRIPTS: std::sync::LazyLock<Scripts> = std::sync::LazyLock::new(|| Scripts {
    apply: Script::new(include_str!("apply.lua")),
    find: Script::new(include_str!("find.lua")),
    look: Script::new(include_str!("look.lua")),
    outline: Script::new(include_str!("outline.lua")),
    publish: Script::new(include_str!("publish.lua")),
    scores: Script::new(include_str!("scores.lua")),
    swap: Script::new(include_str!("swap.lua")),
});

/// What scripts that change something answer.
type Reply = (String, Vec<i64>);

impl Lines {
    /// The lines kept in this Redis, under its prefix.
    pub fn new(redis: Redis) -> Self {
        Self { redis, scripts: &SCRIPTS }
    }

    /// The keys of an event's room.
    pub fn keys(&self, event: EventId) -> EventKeys {
        EventKeys::new(self.redis.prefix(), event)
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> RedisResult<()> {
        self.redis.ping().await
    }

    fn line_keys(&self, event: EventId) -> Vec<String> {
        line_keys(&self.keys(event))
    }
}

/// A script answered something its caller does not know: a bug, or two versions at once.
fn unexpected<T>(script: &str, reply: &Reply) -> RedisResult<T> {
    Err(RedisError::from((ErrorKind::UnexpectedReturnType, "unexpected answer of a script", format!("{script}: {reply:?}"))))
}

fn unexpected_numbers<T>(script: &str, numbers: &[i64]) -> RedisResult<T> {
    unexpected(script, &(String::new(), numbers.to_vec()))
}

/// A score as scripts return it; None for -1 (no score).
fn score(number: i64) -> Option<Score> {
    u64::try_from(number).ok().and_then(Score::from_u64)
}

/// Counts are never negative.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

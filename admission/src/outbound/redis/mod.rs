//! The line in Redis: one Lua script per change, each beside the Rust that calls it.
//!
//! Every script answers `{status, {numbers}}`. `COLD` means that Redis does not know the room (any more): the caller fills it
//! from Postgres and asks again.

mod claim;
mod close;
mod draw;
mod init;
mod join;
mod leave;
mod pivots;
mod place;
mod restore;
mod tick;

use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::EventId;
use goticket_domain::queue::Score;
use goticket_platform::redis::Redis;
use redis::{ErrorKind, RedisError, RedisResult, Script};

pub use claim::ClaimAnswer;
pub use draw::{FreezeAnswer, ScoresAnswer};
pub use init::Warmth;
pub use join::JoinAnswer;
pub use leave::LeaveAnswer;
pub use place::PlaceAnswer;
pub use restore::RestoreAnswer;
pub use tick::{Order, Snapshot, TickAnswer};

/// The lines of all rooms.
#[derive(Clone)]
pub struct Lines {
    redis: Redis,
    scripts: &'static Scripts,
}

/// All scripts, hashed once.
struct Scripts {
    claim: Script,
    close: Script,
    freeze: Script,
    init: Script,
    join: Script,
    leave: Script,
    pivots: Script,
    place: Script,
    restore: Script,
    scores: Script,
    tick: Script,
}

static SCRIPTS: std::sync::LazyLock<Scripts> = std::sync::LazyLock::new(|| Scripts {
    claim: Script::new(include_str!("claim.lua")),
    close: Script::new(include_str!("close.lua")),
    freeze: Script::new(include_str!("freeze.lua")),
    init: Script::new(include_str!("init.lua")),
    join: Script::new(include_str!("join.lua")),
    leave: Script::new(include_str!("leave.lua")),
    pivots: Script::new(include_str!("pivots.lua")),
    place: Script::new(include_str!("place.lua")),
    restore: Script::new(include_str!("restore.lua")),
    scores: Script::new(include_str!("scores.lua")),
    tick: Script::new(include_str!("tick.lua")),
});

/// What every script answers.
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
}

/// Answers that may say that Redis does not know the room.
pub trait MaybeCold {
    /// It does not.
    fn is_cold(&self) -> bool;
}

macro_rules! maybe_cold {
    ($($answer:ty),+) => {
        $(impl MaybeCold for $answer {
            fn is_cold(&self) -> bool {
                matches!(self, Self::Cold)
            }
        })+
    };
}
maybe_cold!(JoinAnswer, PlaceAnswer, ClaimAnswer, LeaveAnswer, RestoreAnswer, FreezeAnswer, TickAnswer);

/// A script answered something its caller does not know: a bug, or two versions at once.
fn unexpected<T>(script: &str, reply: &Reply) -> RedisResult<T> {
    Err(RedisError::from((ErrorKind::UnexpectedReturnType, "unexpected answer of a script", format!("{script}: {reply:?}"))))
}

/// A score as scripts return it; None for -1 (no score).
fn score(number: i64) -> Option<Score> {
    u64::try_from(number).ok().and_then(Score::from_u64)
}

/// Counts are never negative.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

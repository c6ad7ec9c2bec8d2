//! Keys and channels in Redis. All keys of one event share the hash tag `{event}`, so that a Redis Cluster spreads events over
//! shards and every script touches one slot. `prefix` separates deployments (and tests).

use goticket_domain::lane::LaneNo;
use goticket_domain::{EventId, SeatNo};

/// Keys of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventKeys {
    base: String,
}

impl EventKeys {
    /// Keys of `event` under `prefix`.
    pub fn new(prefix: &str, event: EventId) -> Self {
        Self { base: format!("{prefix}{{{event}}}:") }
    }

    /// Keys beside those of `event`, on the same shard, under which a line is filled before it takes their place.
    pub fn aside(prefix: &str, event: EventId, filling: uuid::Uuid) -> Self {
        Self { base: format!("{prefix}{{{event}}}:{filling}:") }
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.base)
    }

    /// HASH: how far the log is taken over, and what follows from it besides places. Written by the waiting room's scripts only.
    pub fn room(&self) -> String {
        self.key("room")
    }

    /// ZSET place id (16 bytes) → score: the line.
    pub fn line(&self) -> String {
        self.key("line")
    }

    /// ZSET place id → end of the claim window (Unix ms).
    pub fn admitted(&self) -> String {
        self.key("admitted")
    }

    /// ZSET place id → end of the session (Unix ms).
    pub fn sessions(&self) -> String {
        self.key("sessions")
    }

    /// ZSET place id → end of the slot (Unix ms), of who is in `sessions`.
    pub fn slots(&self) -> String {
        self.key("slots")
    }

    /// ZSET place id → end of the slot (Unix ms) of a session that is not renewed any more.
    pub fn ending(&self) -> String {
        self.key("ending")
    }

    /// ZSET place id → when it went: admitted and gone, no-shows and ended sessions.
    pub fn gone(&self) -> String {
        self.key("gone")
    }

    /// ZSET score → when every turn up to it is over (Unix ms).
    pub fn turns(&self) -> String {
        self.key("turns")
    }

    /// ZSET place id → score: those whose turn passed and comes once more.
    pub fn deferred(&self) -> String {
        self.key("deferred")
    }

    /// SET of place ids: everyone who was ever deferred.
    pub fn ever_deferred(&self) -> String {
        self.key("deferred:ever")
    }

    /// ZSET score → when the second turn of every deferred place up to it is over (Unix ms).
    pub fn deferred_turns(&self) -> String {
        self.key("deferred:turns")
    }

    /// HASH place id → score, of who is in `admitted` or `sessions` (whose own scores are times); of the latter, a space and when they came
    /// inside (Unix ms).
    pub fn scores(&self) -> String {
        self.key("scores")
    }

    /// ZSET place id → the log's entry by which it was taken: the lobby, until its order is drawn.
    pub fn lobby(&self) -> String {
        self.key("lobby")
    }

    /// HASH `epoch`, `number`, `board`: the board shown last, as it goes through [`boards_channel`].
    pub fn board(&self) -> String {
        self.key("board")
    }

    /// STRING, two bits per seat (BITFIELD u2 at `#seat`): 0 free, 1 held, 2 sold. Missing = to be rebuilt from Postgres.
    pub fn seat_map(&self) -> String {
        self.key("seats")
    }

    /// STRING: the lane's sequence of the latest change in the map. A change that finds no map does not raise it: the map is then
    /// published as a whole.
    pub fn seat_map_version(&self) -> String {
        self.key("seats:version")
    }

    /// HASH `free:<category>`, `held:<category>` → seats. Kept together with the map.
    pub fn availability(&self) -> String {
        self.key("availability")
    }

    /// STRING per seat, the booking that is being decided for it; short-lived, only saves wasted work.
    pub fn seat_lock(&self, seat: SeatNo) -> String {
        self.key(&format!("lock:{seat}"))
    }

    /// Channel of seat-map deltas (JSON `{version, changes: [[seat, state], …]}`).
    pub fn seat_deltas(&self) -> String {
        self.key("seats:deltas")
    }
}

/// Seat states in the map.
pub mod seat_state {
    /// No one's.
    pub const FREE: u8 = 0;
    /// On hold: may come back.
    pub const HELD: u8 = 1;
    /// Sold.
    pub const SOLD: u8 = 2;
}

/// Channel on which every room's boards reach the processes that serve the waiting rooms: protobuf, `BoardReply`.
pub fn boards_channel(prefix: &str) -> String {
    format!("{prefix}boards")
}

/// Channel on which replicas ask a room's owner to tick it now: an event's id, as text.
pub fn nudges_channel(prefix: &str) -> String {
    format!("{prefix}nudges")
}

/// STRING, JSON ([`goticket_domain::queue::Health`]): how a lane's owner says that it does. Expires where it is not said again.
pub fn lane_health(prefix: &str, lane: LaneNo) -> String {
    format!("{prefix}lane:{lane}:health")
}

/// How long what a lane's owner said of it is good for, in seconds: several times between two of its words.
pub const LANE_HEALTH_S: u32 = 10;

/// Channel on which one gateway process receives replies; `gateway` is its instance id.
pub fn reply_channel(prefix: &str, gateway: &str) -> String {
    format!("{prefix}replies:{gateway}")
}

/// STRING, JSON: account, event, section, key and payload hash of a request that was accepted and is not decided yet. Expires by
/// itself.
pub fn pending(prefix: &str, booking: goticket_domain::BookingId) -> String {
    format!("{prefix}pending:{booking}")
}

/// HASH `secret`, `current`: hashes of a session's refresh token; see the gateway. The session's row decides.
pub fn refresh_family(prefix: &str, family: uuid::Uuid) -> String {
    format!("{prefix}refresh:{family}")
}

/// ZSET idempotency key → when it came (Unix ms): an account's requests that are not known to be decided.
pub fn undecided(prefix: &str, account: goticket_domain::AccountId) -> String {
    format!("{prefix}{{account:{account}}}:undecided")
}

/// STRING: what copies of a request are told that come about the same time as it; see the gateway. Expires by itself.
pub fn copies(prefix: &str, account: goticket_domain::AccountId, key: &goticket_domain::booking::IdempotencyKey) -> String {
    format!("{prefix}{{account:{account}}}:copies:{}", key.as_str())
}

/// STRING counter: how often an account was refused since the first refusal of the current minute. Expires by itself.
pub fn refusals(prefix: &str, account: goticket_domain::AccountId) -> String {
    format!("{prefix}{{account:{account}}}:refusals")
}

//! What happens in waiting rooms, on Kafka: CloudEvents 1.0 in structured JSON mode, beside [bookings](crate::events). The Kafka key is the
//! event's id, so that everything about one room keeps its order.
//!
//! A message carries what was written together, cut into pieces, so that a rush is not as many messages as fans. Its id follows from what it
//! carries: published again it is the same. Positions tell that nothing is missing: a piece begins where the one before ended.

use goticket_domain::queue::{DrawSeed, Entry, LogEntry, LogHash, PlaceId, Score, Segment};
use goticket_domain::{AccountId, EventId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use crate::events::CloudEvent;

/// Topic of everything that happens in waiting rooms, without the deployment's prefix.
pub const QUEUE_TOPIC: &str = "goticket.queue.v1";

/// Entries of one message: about 50 kB, far below what a broker takes.
pub const ENTRIES_MAX: usize = 500;

/// CloudEvents `source` of the waiting rooms.
const SOURCE: &str = "/goticket/queue";

/// A CloudEvent about one waiting room. Its id follows from the log, so that what is told twice is recognised.
pub type QueueEvent = CloudEvent<QueueFact>;

/// What can happen in a waiting room.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum QueueFact {
    /// Its line moved: entries of the room's log, in order.
    #[serde(rename = "goticket.QueueMoved")]
    QueueMoved {
        /// How many entries the log had before these.
        position: u64,
        /// What happened, one after the other.
        entries: Vec<Moved>,
    },
    /// Its state or settings were changed, by an operator or the schedule.
    #[serde(rename = "goticket.QueueChanged")]
    QueueChanged {
        /// Number in the operators' log, from 1.
        number: u64,
        /// Who; none for the schedule.
        actor: Option<AccountId>,
        /// What: `{"field": [before, after], …}`.
        change: serde_json::Value,
        /// Why.
        reason: String,
        /// The log's hash after it, hexadecimal.
        hash: String,
    },
}

/// One entry of a room's log. It means what the domain's `Entry` means: a join of a place that stands already is none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Moved {
    /// A place was taken.
    Joined {
        /// Which.
        place: PlaceId,
    },
    /// A place was given back.
    Left {
        /// Which.
        place: PlaceId,
    },
    /// A turn was claimed: the session lasts until then.
    Claimed {
        /// Whose.
        place: PlaceId,
        /// The session's end.
        until: Timestamp,
        /// The end of its slot, if it is not renewed.
        slot: Timestamp,
    },
    /// A session was renewed. Means nothing where its slot was over.
    Renewed {
        /// Whose.
        place: PlaceId,
        /// The end of its slot, if it is not renewed again, nor the session over before.
        slot: Timestamp,
    },
    /// A session goes on whose slot was over.
    Resumed {
        /// Whose.
        place: PlaceId,
        /// The end of its slot, if it is not renewed, nor the session over before.
        slot: Timestamp,
    },
    /// A session is not renewed any more: its slot ends as it was renewed last.
    Ended {
        /// Whose.
        place: PlaceId,
        /// The slot's end, if it does not end before.
        until: Timestamp,
    },
    /// A booking of the fan was confirmed at that time: their session ends, if it had begun by then, as if they had left.
    Booked {
        /// Whose.
        place: PlaceId,
        /// When.
        booked: Timestamp,
    },
    /// The turn of everyone in line up to this score came.
    Admitted {
        /// The highest score.
        through: Score,
        /// The end of their claim window.
        claim_by: Timestamp,
    },
    /// Their turn passed, and comes once more. Means nothing for a place that was deferred before.
    Deferred {
        /// Whose.
        place: PlaceId,
    },
    /// The second turn of everyone deferred up to this score came.
    DeferredAdmitted {
        /// The highest score.
        through: Score,
        /// The end of their claim window.
        claim_by: Timestamp,
    },
    /// The lobby was closed.
    LobbyClosed,
    /// The order of the lobby was drawn.
    Drawn {
        /// From which every place's score follows.
        seed: DrawSeed,
    },
}

impl From<&Entry> for Moved {
    fn from(entry: &Entry) -> Self {
        match *entry {
            Entry::Join(place) => Self::Joined { place },
            Entry::Leave(place) => Self::Left { place },
            Entry::Claim { place, until_ms, slot_ms } => Self::Claimed { place, until: at(until_ms), slot: at(slot_ms) },
            Entry::Renew { place, slot_ms } => Self::Renewed { place, slot: at(slot_ms) },
            Entry::Resume { place, slot_ms } => Self::Resumed { place, slot: at(slot_ms) },
            Entry::Booked { place, booked_ms } => Self::Booked { place, booked: at(booked_ms) },
            Entry::End { place, until_ms } => Self::Ended { place, until: at(until_ms) },
            Entry::Admit { through, claim_by_ms } => Self::Admitted { through, claim_by: at(claim_by_ms) },
            Entry::Defer(place) => Self::Deferred { place },
            Entry::AdmitDeferred { through, claim_by_ms } => Self::DeferredAdmitted { through, claim_by: at(claim_by_ms) },
            Entry::Close => Self::LobbyClosed,
            Entry::Draw(seed) => Self::Drawn { seed },
        }
    }
}

impl QueueEvent {
    /// What is told of entries that were written together, in pieces.
    pub fn of_segment(event: EventId, segment: &Segment) -> impl Iterator<Item = Self> {
        segment.entries.chunks(ENTRIES_MAX).zip(0_u32..).map(move |(entries, piece)| {
            let position = segment.first + u64::from(piece) * ENTRIES_MAX as u64;
            let fact = QueueFact::QueueMoved { position, entries: entries.iter().map(Moved::from).collect() };
            Self::of(SOURCE, id(&segment.hash, piece), event, at(segment.at_ms), fact)
        })
    }

    /// What is told of a change by an operator or the schedule.
    pub fn of_change(event: EventId, entry: &LogEntry) -> Self {
        let change = serde_json::from_str(&entry.change).unwrap_or_else(|_| entry.change.clone().into());
        let mut hash = LogHash::default();
        // A hash that is none makes an id of zeros: nothing that was ever written.
        let _ = hex::decode_to_slice(&entry.hash, &mut hash);
        let LogEntry { number, actor, .. } = *entry;
        let fact = QueueFact::QueueChanged { number, actor, change, reason: entry.reason.clone(), hash: entry.hash.clone() };
        Self::of(SOURCE, id(&hash, 0), event, entry.at, fact)
    }
}

/// By the log's hash, which is another one for any other log, and the piece's number.
fn id(hash: &LogHash, piece: u32) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..12].copy_from_slice(&hash[..12]);
    bytes[12..].copy_from_slice(&piece.to_be_bytes());
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// Times beyond the calendar stand at its end: no window lasts so long.
fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

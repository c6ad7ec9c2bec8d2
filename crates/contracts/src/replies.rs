//! Replies of the booking worker to the gateway that waits: JSON, published on the gateway's reply channel in Redis.
//! Losing one costs a poll: the outcome itself is in Postgres.

use goticket_domain::BookingId;
use goticket_domain::booking::{BookingState, Outcome};
use serde::{Deserialize, Serialize};

/// One reply.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// The booking id the command was sent under (of a repeated request: not the one that was decided first).
    pub waiter: BookingId,
    /// What became of it.
    pub result: ReplyResult,
}

/// What became of a command.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum ReplyResult {
    /// The request's one outcome; `replayed` if it had been decided before.
    Decided {
        /// The outcome.
        decided: Outcome,
        /// Decided before.
        replayed: bool,
    },
    /// The key was used for something else before.
    KeyReused,
    /// A cancel, pay or expire command left the booking in this state.
    State {
        /// The state now.
        state: BookingState,
    },
    /// No such booking, or not this account's.
    Unknown,
}

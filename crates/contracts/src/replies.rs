//! Replies of the booking worker to the gateway that waits: JSON, published on the gateway's reply channel in Redis.
//! Losing one costs a poll: the outcome itself is in Postgres.

use goticket_domain::BookingId;
use goticket_domain::booking::Answer;
use serde::{Deserialize, Serialize};

/// One reply.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// The booking id the command was sent under (of a repeated request: not the one that was decided first).
    pub waiter: BookingId,
    /// What became of it.
    pub result: Answer,
}

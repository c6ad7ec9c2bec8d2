//! The waiting room's types ↔ their protobuf form: used by the server (admission) and by the client adapter (gateway), so that
//! both say the same.
//!
//! What cannot be read back (an id that is no UUID, a state no one knows) is a [`BadMessage`]: two versions that do not fit.

mod control;
mod draw;
mod entry;
mod faults;
mod what_if;

use std::str::FromStr;

use goticket_domain::queue::{
    BoardVersion, Claimed, ClaimedPlace, JoinedPlace, PublishedBoard, QueueError, RenewedTicket, Score,
};
use jiff::Timestamp;
use tonic::Status;

use crate::waiting_room as proto;

pub use control::set_control_request;
pub use draw::place_id;
pub use entry::{from_json, join_request, to_json};
pub use faults::{FAULT_KEY, error_of, status_of};

/// A message that does not mean anything to this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the waiting room's {field} cannot be read: {problem}")]
pub struct BadMessage {
    /// Which field.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl From<BadMessage> for Status {
    fn from(bad: BadMessage) -> Self {
        Self::invalid_argument(bad.to_string())
    }
}

/// Reads a field that is text on the wire: an id, a state.
pub fn parse<T: FromStr<Err: std::fmt::Display>>(field: &'static str, text: &str) -> Result<T, BadMessage> {
    text.parse().map_err(|error: T::Err| BadMessage { field, problem: error.to_string() })
}

fn time(field: &'static str, ms: i64) -> Result<Timestamp, BadMessage> {
    Timestamp::from_millisecond(ms).map_err(|error| BadMessage { field, problem: error.to_string() })
}

fn missing(field: &'static str) -> BadMessage {
    BadMessage { field, problem: "it is missing".to_owned() }
}

fn json<T: serde::de::DeserializeOwned>(field: &'static str, text: &str) -> Result<T, BadMessage> {
    serde_json::from_str(text).map_err(|error| BadMessage { field, problem: error.to_string() })
}

fn text<T: serde::Serialize>(field: &'static str, value: &T) -> Result<String, BadMessage> {
    serde_json::to_string(value).map_err(|error| BadMessage { field, problem: error.to_string() })
}

impl TryFrom<&JoinedPlace> for proto::JoinReply {
    type Error = BadMessage;
    fn try_from(joined: &JoinedPlace) -> Result<Self, BadMessage> {
        Ok(Self {
            signed: joined.signed.clone(),
            ticket_json: text("ticket_json", &joined.ticket)?,
            existing: joined.existing,
            turn: joined.turn,
            receipt_json: joined.receipt.as_ref().map(|receipt| text("receipt_json", receipt)).transpose()?,
        })
    }
}

impl TryFrom<proto::JoinReply> for JoinedPlace {
    type Error = BadMessage;
    fn try_from(reply: proto::JoinReply) -> Result<Self, BadMessage> {
        let receipt = reply.receipt_json.as_deref().map(|text| json("receipt_json", text)).transpose()?;
        let ticket = json("ticket_json", &reply.ticket_json)?;
        Ok(Self { ticket, signed: reply.signed, existing: reply.existing, receipt, turn: reply.turn })
    }
}

impl TryFrom<&Result<JoinedPlace, QueueError>> for proto::JoinResult {
    type Error = BadMessage;
    fn try_from(joined: &Result<JoinedPlace, QueueError>) -> Result<Self, BadMessage> {
        use proto::join_result::Result::{Joined, Refused};
        let result = match joined {
            Ok(joined) => Joined(joined.try_into()?),
            Err(error) => Refused(error.into()),
        };
        Ok(Self { result: Some(result) })
    }
}

/// The place, or why there is none.
pub fn read_joined(result: proto::JoinResult) -> Result<Result<JoinedPlace, QueueError>, BadMessage> {
    use proto::join_result::Result::{Joined, Refused};
    match result.result.ok_or_else(|| missing("result"))? {
        Joined(joined) => joined.try_into().map(Ok),
        Refused(fault) => Ok(Err(fault.into())),
    }
}

impl TryFrom<&RenewedTicket> for proto::RenewReply {
    type Error = BadMessage;
    fn try_from(renewed: &RenewedTicket) -> Result<Self, BadMessage> {
        Ok(Self { signed: renewed.signed.clone(), ticket_json: text("ticket_json", &renewed.ticket)? })
    }
}

impl TryFrom<proto::RenewReply> for RenewedTicket {
    type Error = BadMessage;
    fn try_from(reply: proto::RenewReply) -> Result<Self, BadMessage> {
        Ok(Self { ticket: json("ticket_json", &reply.ticket_json)?, signed: reply.signed })
    }
}

impl From<ClaimedPlace> for proto::PlaceReply {
    fn from(place: ClaimedPlace) -> Self {
        use proto::place_reply::Place;
        Self {
            place: Some(match place {
                ClaimedPlace::Waiting { score, ahead } => Place::Waiting(proto::Waiting { score: score.as_u64(), ahead }),
                ClaimedPlace::Admitted { claim_by } => Place::ClaimByMs(claim_by.as_millisecond()),
                ClaimedPlace::Inside { until } => Place::InsideUntilMs(until.as_millisecond()),
                ClaimedPlace::Gone => Place::Gone(proto::Gone {}),
            }),
        }
    }
}

impl TryFrom<proto::PlaceReply> for ClaimedPlace {
    type Error = BadMessage;
    fn try_from(reply: proto::PlaceReply) -> Result<Self, BadMessage> {
        use proto::place_reply::Place;
        Ok(match reply.place.ok_or_else(|| missing("place"))? {
            Place::Waiting(proto::Waiting { score, ahead }) => {
                let out_of_range = || BadMessage { field: "score", problem: format!("{score} is not below 2^53") };
                Self::Waiting { score: Score::from_u64(score).ok_or_else(out_of_range)?, ahead }
            }
            Place::ClaimByMs(ms) => Self::Admitted { claim_by: time("claim_by_ms", ms)? },
            Place::InsideUntilMs(ms) => Self::Inside { until: time("inside_until_ms", ms)? },
            Place::Gone(_) => Self::Gone,
        })
    }
}

impl From<&Claimed> for proto::ClaimReply {
    fn from(claimed: &Claimed) -> Self {
        Self {
            entry_token: claimed.entry_token.clone(),
            expires_at_ms: claimed.expires_at.as_millisecond(),
            session_ends_at_ms: claimed.session_ends_at.as_millisecond(),
        }
    }
}

impl TryFrom<proto::ClaimReply> for Claimed {
    type Error = BadMessage;
    fn try_from(reply: proto::ClaimReply) -> Result<Self, BadMessage> {
        Ok(Self {
            entry_token: reply.entry_token,
            expires_at: time("expires_at_ms", reply.expires_at_ms)?,
            session_ends_at: time("session_ends_at_ms", reply.session_ends_at_ms)?,
        })
    }
}

impl From<&PublishedBoard> for proto::BoardReply {
    fn from(published: &PublishedBoard) -> Self {
        let version = published.version;
        let event = published.board.event.0.as_bytes().to_vec();
        Self { board_json: published.json.to_vec(), epoch: version.epoch, number: version.number, event }
    }
}

impl TryFrom<proto::BoardReply> for PublishedBoard {
    type Error = BadMessage;
    fn try_from(reply: proto::BoardReply) -> Result<Self, BadMessage> {
        let version = BoardVersion { epoch: reply.epoch, number: reply.number };
        let read = Self::read(version, reply.board_json.into());
        read.map_err(|error| BadMessage { field: "board_json", problem: error.to_string() })
    }
}

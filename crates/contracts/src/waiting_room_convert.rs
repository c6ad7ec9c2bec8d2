//! The waiting room's types ↔ their protobuf form: used by the server (admission) and by the client adapter (gateway), so that
//! both say the same.
//!
//! What cannot be read back (an id that is no UUID, a state nobody knows) is a [`BadMessage`]: two versions that do not fit.

use std::str::FromStr;

use goticket_domain::queue::{
    Board, Claimed, ClaimedPlace, ControlChange, JoinedPlace, LogEntry, QueueError, RoomControl, RoomSettings, RoomState, Score,
};
use jiff::Timestamp;
use prost::Message as _;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

use crate::waiting_room as proto;

/// Binary metadata of a status: the encoded `QueueFault`.
pub const FAULT_KEY: &str = "queue-error-bin";

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

/// The refusal as a gRPC status: a code for people and proxies, the whole of it in the metadata.
pub fn status_of(error: &QueueError) -> Status {
    let code = match error {
        QueueError::UnknownEvent => Code::NotFound,
        QueueError::BadTicket(_) => Code::PermissionDenied,
        QueueError::BadControl { .. } => Code::InvalidArgument,
        QueueError::Full => Code::ResourceExhausted,
        QueueError::Unavailable => Code::Unavailable,
        QueueError::NotYetOpen { .. }
        | QueueError::ClosedToJoins { .. }
        | QueueError::NotYourTurn { .. }
        | QueueError::NotDrawn
        | QueueError::ClaimWindowPassed
        | QueueError::NotInLine => Code::FailedPrecondition,
    };
    let mut status = Status::new(code, error.to_string());
    let fault = proto::QueueFault { fault: Some(fault_of(error)) };
    status.metadata_mut().insert_bin(FAULT_KEY, MetadataValue::from_bytes(&fault.encode_to_vec()));
    status
}

/// The refusal a status carries. A status without one (the connection broke, a proxy answered, a wrong secret) means that the
/// waiting room cannot be reached.
pub fn error_of(status: &Status) -> QueueError {
    let fault = || {
        let bytes = status.metadata().get_bin(FAULT_KEY)?.to_bytes().ok()?;
        read_fault(proto::QueueFault::decode(bytes).ok()?.fault?)
    };
    fault().unwrap_or(QueueError::Unavailable)
}

fn fault_of(error: &QueueError) -> proto::queue_fault::Fault {
    use proto::queue_fault::Fault;
    match error {
        QueueError::UnknownEvent => Fault::UnknownEvent(proto::UnknownEvent {}),
        QueueError::NotYetOpen { opens_at } => Fault::NotYetOpenUntilUs(opens_at.as_microsecond()),
        QueueError::ClosedToJoins { state } => Fault::ClosedToJoinsState(state.as_str().to_owned()),
        QueueError::Full => Fault::Full(proto::Full {}),
        QueueError::BadTicket(why) => Fault::BadTicket(why.clone()),
        QueueError::NotYourTurn { ahead } => Fault::NotYourTurnAhead(*ahead),
        QueueError::NotDrawn => Fault::NotDrawn(proto::NotDrawn {}),
        QueueError::ClaimWindowPassed => Fault::ClaimWindowPassed(proto::ClaimWindowPassed {}),
        QueueError::NotInLine => Fault::NotInLine(proto::NotInLine {}),
        QueueError::BadControl { field, problem } => {
            Fault::BadControl(proto::BadControl { field: field.clone(), problem: problem.clone() })
        }
        QueueError::Unavailable => Fault::Unavailable(proto::Unavailable {}),
    }
}

fn read_fault(fault: proto::queue_fault::Fault) -> Option<QueueError> {
    use proto::queue_fault::Fault;
    Some(match fault {
        Fault::UnknownEvent(_) => QueueError::UnknownEvent,
        Fault::NotYetOpenUntilUs(us) => QueueError::NotYetOpen { opens_at: Timestamp::from_microsecond(us).ok()? },
        Fault::ClosedToJoinsState(state) => QueueError::ClosedToJoins { state: state.parse().ok()? },
        Fault::Full(_) => QueueError::Full,
        Fault::BadTicket(why) => QueueError::BadTicket(why),
        Fault::NotYourTurnAhead(ahead) => QueueError::NotYourTurn { ahead },
        Fault::NotDrawn(_) => QueueError::NotDrawn,
        Fault::ClaimWindowPassed(_) => QueueError::ClaimWindowPassed,
        Fault::NotInLine(_) => QueueError::NotInLine,
        Fault::BadControl(bad) => QueueError::BadControl { field: bad.field, problem: bad.problem },
        Fault::Unavailable(_) => QueueError::Unavailable,
    })
}

impl TryFrom<&JoinedPlace> for proto::JoinReply {
    type Error = BadMessage;
    fn try_from(joined: &JoinedPlace) -> Result<Self, BadMessage> {
        let ticket_json = serde_json::to_string(&joined.ticket)
            .map_err(|error| BadMessage { field: "ticket_json", problem: error.to_string() })?;
        Ok(Self { signed: joined.signed.clone(), ticket_json, existing: joined.existing })
    }
}

impl TryFrom<proto::JoinReply> for JoinedPlace {
    type Error = BadMessage;
    fn try_from(reply: proto::JoinReply) -> Result<Self, BadMessage> {
        Ok(Self { ticket: json("ticket_json", &reply.ticket_json)?, signed: reply.signed, existing: reply.existing })
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
        Self { entry_token: claimed.entry_token.clone(), expires_at_ms: claimed.expires_at.as_millisecond() }
    }
}

impl TryFrom<proto::ClaimReply> for Claimed {
    type Error = BadMessage;
    fn try_from(reply: proto::ClaimReply) -> Result<Self, BadMessage> {
        Ok(Self { entry_token: reply.entry_token, expires_at: time("expires_at_ms", reply.expires_at_ms)? })
    }
}

/// The request that asks for this change.
pub fn set_control_request(
    event: goticket_domain::EventId,
    change: ControlChange,
    actor: goticket_domain::AccountId,
) -> proto::SetControlRequest {
    proto::SetControlRequest {
        event: event.to_string(),
        actor: actor.to_string(),
        state: change.state.map(|state| state.as_str().to_owned()),
        rate_per_min: change.rate_per_min,
        burst: change.burst,
        active_cap: change.active_cap,
        claim_window_s: change.claim_window_s,
        session_s: change.session_s,
        message: change.message,
        reason: change.reason,
    }
}

impl TryFrom<proto::SetControlRequest> for ControlChange {
    type Error = BadMessage;
    fn try_from(request: proto::SetControlRequest) -> Result<Self, BadMessage> {
        Ok(Self {
            state: request.state.map(|state| parse("state", &state)).transpose()?,
            rate_per_min: request.rate_per_min,
            burst: request.burst,
            active_cap: request.active_cap,
            claim_window_s: request.claim_window_s,
            session_s: request.session_s,
            message: request.message,
            reason: request.reason,
        })
    }
}

impl From<RoomControl> for proto::ControlReply {
    fn from(control: RoomControl) -> Self {
        let RoomSettings { rate_per_min, burst, active_cap, claim_window_s, session_s, message } = control.settings;
        Self {
            event: control.event.to_string(),
            state: control.state.as_str().to_owned(),
            rate_per_min,
            burst,
            active_cap,
            claim_window_s,
            session_s,
            message,
            waiting: control.waiting,
            admitted: control.admitted,
            active: control.active,
        }
    }
}

impl TryFrom<proto::ControlReply> for RoomControl {
    type Error = BadMessage;
    fn try_from(reply: proto::ControlReply) -> Result<Self, BadMessage> {
        let proto::ControlReply { rate_per_min, burst, active_cap, claim_window_s, session_s, message, .. } = reply;
        Ok(Self {
            event: parse("event", &reply.event)?,
            state: parse::<RoomState>("state", &reply.state)?,
            settings: RoomSettings { rate_per_min, burst, active_cap, claim_window_s, session_s, message },
            waiting: reply.waiting,
            admitted: reply.admitted,
            active: reply.active,
        })
    }
}

impl From<LogEntry> for proto::LogEntry {
    fn from(entry: LogEntry) -> Self {
        Self {
            number: entry.number,
            at_us: entry.at.as_microsecond(),
            actor: entry.actor.map(|actor| actor.to_string()),
            change: entry.change,
            reason: entry.reason,
            hash: entry.hash,
        }
    }
}

impl TryFrom<proto::LogEntry> for LogEntry {
    type Error = BadMessage;
    fn try_from(entry: proto::LogEntry) -> Result<Self, BadMessage> {
        let at = Timestamp::from_microsecond(entry.at_us)
            .map_err(|error| BadMessage { field: "at_us", problem: error.to_string() })?;
        Ok(Self {
            number: entry.number,
            at,
            actor: entry.actor.map(|actor| parse("actor", &actor)).transpose()?,
            change: entry.change,
            reason: entry.reason,
            hash: entry.hash,
        })
    }
}

impl TryFrom<&Board> for proto::BoardReply {
    type Error = BadMessage;
    fn try_from(board: &Board) -> Result<Self, BadMessage> {
        let board_json =
            serde_json::to_string(board).map_err(|error| BadMessage { field: "board_json", problem: error.to_string() })?;
        Ok(Self { board_json })
    }
}

impl TryFrom<proto::BoardReply> for Board {
    type Error = BadMessage;
    fn try_from(reply: proto::BoardReply) -> Result<Self, BadMessage> {
        json("board_json", &reply.board_json)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_refusal_survives_the_wire() {
        let rows = [
            QueueError::UnknownEvent,
            QueueError::NotYetOpen { opens_at: Timestamp::from_microsecond(1_700_000_000_123_456).unwrap() },
            QueueError::ClosedToJoins { state: RoomState::Draining },
            QueueError::Full,
            QueueError::BadTicket("forged".to_owned()),
            QueueError::NotYourTurn { ahead: 17 },
            QueueError::NotDrawn,
            QueueError::ClaimWindowPassed,
            QueueError::NotInLine,
            QueueError::BadControl { field: "burst".to_owned(), problem: "is 0".to_owned() },
            QueueError::Unavailable,
        ];
        for error in rows {
            assert_eq!(error_of(&status_of(&error)), error);
        }
    }

    #[test]
    fn a_status_without_a_refusal_means_unavailable() {
        for status in [Status::unauthenticated("no"), Status::not_found("no such method"), Status::internal("?")] {
            assert_eq!(error_of(&status), QueueError::Unavailable);
        }
    }
}

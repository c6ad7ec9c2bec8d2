//! Refusals ↔ gRPC statuses.

use goticket_domain::queue::QueueError;
use jiff::Timestamp;
use prost::Message as _;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

use crate::waiting_room as proto;

/// Binary metadata of a status: the encoded `QueueFault`.
pub const FAULT_KEY: &str = "queue-error-bin";

/// The refusal as a gRPC status: a code for people and proxies, the whole of it in the metadata.
pub fn status_of(error: &QueueError) -> Status {
    let code = match error {
        QueueError::UnknownEvent => Code::NotFound,
        QueueError::BadTicket(_) => Code::PermissionDenied,
        QueueError::BadControl { .. } => Code::InvalidArgument,
        QueueError::Full | QueueError::NoRoomInside => Code::ResourceExhausted,
        QueueError::ControlChanged => Code::Aborted,
        QueueError::Unavailable => Code::Unavailable,
        QueueError::NotYetOpen { .. }
        | QueueError::ClosedToJoins { .. }
        | QueueError::NotYourTurn { .. }
        | QueueError::Deferred { .. }
        | QueueError::NotDrawn
        | QueueError::NotClosed
        | QueueError::ClaimWindowPassed
        | QueueError::NotInLine
        | QueueError::Entry(_)
        | QueueError::Group(_) => Code::FailedPrecondition,
    };
    let mut status = Status::new(code, error.to_string());
    let fault = proto::QueueFault::from(error).encode_to_vec();
    status.metadata_mut().insert_bin(FAULT_KEY, MetadataValue::from_bytes(&fault));
    status
}

/// The refusal a status carries. A status without one (the connection broke, a proxy answered, a wrong secret) means that the
/// waiting room cannot be reached.
pub fn error_of(status: &Status) -> QueueError {
    let fault = || {
        let bytes = status.metadata().get_bin(FAULT_KEY)?.to_bytes().ok()?;
        proto::QueueFault::decode(bytes).ok()
    };
    fault().map_or(QueueError::Unavailable, Into::into)
}

impl From<&QueueError> for proto::QueueFault {
    fn from(error: &QueueError) -> Self {
        Self { fault: Some(fault_of(error)) }
    }
}

impl From<proto::QueueFault> for QueueError {
    /// One that this version does not know means that the waiting room cannot be reached.
    fn from(fault: proto::QueueFault) -> Self {
        fault.fault.and_then(read_fault).unwrap_or(Self::Unavailable)
    }
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
        QueueError::Deferred { ahead } => Fault::DeferredAhead(*ahead),
        QueueError::NotDrawn => Fault::NotDrawn(proto::NotDrawn {}),
        QueueError::NotClosed => Fault::NotClosed(proto::NotClosed {}),
        QueueError::NoRoomInside => Fault::NoRoomInside(proto::NoRoomInside {}),
        QueueError::ClaimWindowPassed => Fault::ClaimWindowPassed(proto::ClaimWindowPassed {}),
        QueueError::NotInLine => Fault::NotInLine(proto::NotInLine {}),
        QueueError::BadControl { field, problem } => {
            Fault::BadControl(proto::BadControl { field: field.clone(), problem: problem.clone() })
        }
        QueueError::ControlChanged => Fault::ControlChanged(proto::ControlChanged {}),
        QueueError::Entry(refusal) => Fault::EntryJson(serde_json::to_string(refusal).unwrap_or_default()),
        QueueError::Group(refusal) => Fault::GroupJson(serde_json::to_string(refusal).unwrap_or_default()),
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
        Fault::DeferredAhead(ahead) => QueueError::Deferred { ahead },
        Fault::NotDrawn(_) => QueueError::NotDrawn,
        Fault::NotClosed(_) => QueueError::NotClosed,
        Fault::NoRoomInside(_) => QueueError::NoRoomInside,
        Fault::ClaimWindowPassed(_) => QueueError::ClaimWindowPassed,
        Fault::NotInLine(_) => QueueError::NotInLine,
        Fault::BadControl(bad) => QueueError::BadControl { field: bad.field, problem: bad.problem },
        Fault::ControlChanged(_) => QueueError::ControlChanged,
        Fault::EntryJson(refusal) => QueueError::Entry(serde_json::from_str(&refusal).ok()?),
        Fault::GroupJson(refusal) => QueueError::Group(serde_json::from_str(&refusal).ok()?),
        Fault::Unavailable(_) => QueueError::Unavailable,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use goticket_domain::queue::entry_rules::{ChallengeFor, ProofFault};
    use goticket_domain::queue::{Challenge, EntryRefusal, GroupRefusal, RoomState};
    use goticket_domain::{AccountId, EventId};

    use super::*;

    #[test]
    fn every_refusal_survives_the_wire() {
        let whose = ChallengeFor { event: EventId::generate(), account: AccountId::generate() };
        let challenge = Challenge::new(&[1; 32], whose, 1_000, Timestamp::UNIX_EPOCH, [2; 20]);
        let rows = [
            QueueError::UnknownEvent,
            QueueError::NotYetOpen { opens_at: Timestamp::from_microsecond(1_700_000_000_123_456).unwrap() },
            QueueError::ClosedToJoins { state: RoomState::Draining },
            QueueError::Full,
            QueueError::BadTicket("forged".to_owned()),
            QueueError::NotYourTurn { ahead: 17 },
            QueueError::Deferred { ahead: 3 },
            QueueError::NotDrawn,
            QueueError::NotClosed,
            QueueError::NoRoomInside,
            QueueError::ClaimWindowPassed,
            QueueError::NotInLine,
            QueueError::BadControl { field: "burst".to_owned(), problem: "is 0".to_owned() },
            QueueError::ControlChanged,
            QueueError::Entry(EntryRefusal::CodeRequired { until: None }),
            QueueError::Entry(EntryRefusal::CodeExpired { until: Timestamp::from_microsecond(1_700_000_000_123_456).unwrap() }),
            QueueError::Entry(EntryRefusal::CodeUsedUp),
            QueueError::Entry(EntryRefusal::IdentityHasPlace),
            QueueError::Entry(EntryRefusal::Proof { fault: ProofFault::Expired, challenge: challenge.clone() }),
            QueueError::Group(GroupRefusal::Full { largest: 4 }),
            QueueError::Group(GroupRefusal::LeaderClaims),
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

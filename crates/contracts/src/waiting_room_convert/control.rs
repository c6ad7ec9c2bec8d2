//! What operators set and see.

use goticket_domain::queue::{ControlChange, LogEntry, RoomControl, RoomSettings, RoomState};
use jiff::Timestamp;

use super::{BadMessage, parse};
use crate::waiting_room as proto;

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
        selling: change.selling,
        message: change.message,
        reason: change.reason,
        if_revision: change.if_revision,
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
            selling: request.selling,
            message: request.message,
            reason: request.reason,
            if_revision: request.if_revision,
        })
    }
}

impl From<RoomControl> for proto::ControlReply {
    fn from(control: RoomControl) -> Self {
        let RoomSettings { rate_per_min, burst, active_cap, claim_window_s, session_s, selling, message } = control.settings;
        Self {
            event: control.event.to_string(),
            state: control.state.as_str().to_owned(),
            rate_per_min,
            burst,
            active_cap,
            claim_window_s,
            session_s,
            selling,
            message,
            revision: control.revision,
            waiting: control.waiting,
            admitted: control.admitted,
            active: control.active,
        }
    }
}

impl TryFrom<proto::ControlReply> for RoomControl {
    type Error = BadMessage;
    fn try_from(reply: proto::ControlReply) -> Result<Self, BadMessage> {
        let proto::ControlReply { rate_per_min, burst, active_cap, claim_window_s, session_s, selling, message, .. } = reply;
        Ok(Self {
            event: parse("event", &reply.event)?,
            state: parse::<RoomState>("state", &reply.state)?,
            settings: RoomSettings { rate_per_min, burst, active_cap, claim_window_s, session_s, selling, message },
            revision: reply.revision,
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

//! What operators set and see.

use goticket_domain::queue::{
    AtOnce, AutoChange, AutoLimits, ControlChange, EntryChange, EntryRules, Health, LogEntry, RoomControl, RoomSettings,
    RoomState,
};
use jiff::Timestamp;

use super::{BadMessage, parse};
use crate::waiting_room as proto;
use crate::waiting_room::set_control_request::RateBy;

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
        close_when_sold_out: change.close_when_sold_out,
        mode: change.mode.map(|mode| mode.as_str().to_owned()),
        open_below: change.open_below.map(|at_once| at_once.joins().unwrap_or(0)),
        when_down: change.when_down.map(|choice| choice.as_str().to_owned()),
        reason: change.reason,
        if_revision: change.if_revision,
        entry: Some(change.entry.into()),
        rate_by: change.auto.map(|auto| match auto {
            AutoChange::Off => RateBy::Operators(proto::Operators {}),
            AutoChange::Between(limits) => RateBy::Auto(limits.into()),
        }),
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
            close_when_sold_out: request.close_when_sold_out,
            mode: request.mode.map(|mode| parse("mode", &mode)).transpose()?,
            open_below: request.open_below.map(|joins| if joins == 0 { AtOnce::Never } else { AtOnce::Below(joins) }),
            when_down: request.when_down.map(|choice| parse("when_down", &choice)).transpose()?,
            reason: request.reason,
            if_revision: request.if_revision,
            entry: request.entry.map(EntryChange::try_from).transpose()?.unwrap_or_default(),
            auto: request.rate_by.map(|by| match by {
                RateBy::Operators(_) => AutoChange::Off,
                RateBy::Auto(limits) => AutoChange::Between(limits.into()),
            }),
        })
    }
}

impl From<AutoLimits> for proto::AutoLimits {
    fn from(AutoLimits { low_per_min, high_per_min }: AutoLimits) -> Self {
        Self { low_per_min, high_per_min }
    }
}

impl From<proto::AutoLimits> for AutoLimits {
    fn from(proto::AutoLimits { low_per_min, high_per_min }: proto::AutoLimits) -> Self {
        Self { low_per_min, high_per_min }
    }
}

impl From<Health> for proto::PipelineHealth {
    fn from(Health { queue_age_ms, commit_ms, errors_per_million }: Health) -> Self {
        Self { queue_age_ms, commit_ms, errors_per_million }
    }
}

impl From<proto::PipelineHealth> for Health {
    fn from(proto::PipelineHealth { queue_age_ms, commit_ms, errors_per_million }: proto::PipelineHealth) -> Self {
        Self { queue_age_ms, commit_ms, errors_per_million }
    }
}

impl From<RoomControl> for proto::ControlReply {
    fn from(control: RoomControl) -> Self {
        let RoomSettings {
            rate_per_min,
            auto,
            burst,
            active_cap,
            claim_window_s,
            session_s,
            selling,
            message,
            close_when_sold_out,
            mode,
            open_below,
            when_down,
            entry,
        } = control.settings;
        Self {
            event: control.event.to_string(),
            state: control.state.as_str().to_owned(),
            rate_per_min,
            auto: auto.map(Into::into),
            rate_in_force_per_min: control.rate_in_force_per_min,
            pipeline: control.pipeline.map(Into::into),
            burst,
            active_cap,
            claim_window_s,
            session_s,
            selling,
            message,
            close_when_sold_out,
            mode: mode.as_str().to_owned(),
            open_below,
            when_down: when_down.as_str().to_owned(),
            would_wait: control.would_wait,
            revision: control.revision,
            waiting: control.waiting,
            admitted: control.admitted,
            active: control.active,
            held_up_by: control.held_up_by.map(|reason| reason.as_str().to_owned()),
            entry: Some(entry.into()),
        }
    }
}

impl TryFrom<proto::ControlReply> for RoomControl {
    type Error = BadMessage;
    fn try_from(reply: proto::ControlReply) -> Result<Self, BadMessage> {
        let proto::ControlReply { rate_per_min, auto, burst, active_cap, claim_window_s, session_s, selling, message, .. } =
            reply;
        Ok(Self {
            event: parse("event", &reply.event)?,
            state: parse::<RoomState>("state", &reply.state)?,
            settings: RoomSettings {
                rate_per_min,
                auto: auto.map(Into::into),
                burst,
                active_cap,
                claim_window_s,
                session_s,
                selling,
                message,
                close_when_sold_out: reply.close_when_sold_out,
                mode: told("mode", &reply.mode)?,
                open_below: reply.open_below,
                when_down: told("when_down", &reply.when_down)?,
                entry: reply.entry.map(EntryRules::try_from).transpose()?.unwrap_or_default(),
            },
            rate_in_force_per_min: reply.rate_in_force_per_min,
            pipeline: reply.pipeline.map(Into::into),
            revision: reply.revision,
            waiting: reply.waiting,
            admitted: reply.admitted,
            active: reply.active,
            would_wait: reply.would_wait,
            // A newer version may have a reason that this one does not know.
            held_up_by: reply.held_up_by.and_then(|name| name.parse().ok()),
        })
    }
}

/// A setting that a version before this one does not tell.
fn told<T: Default + std::str::FromStr<Err: std::fmt::Display>>(field: &'static str, text: &str) -> Result<T, BadMessage> {
    if text.is_empty() { Ok(T::default()) } else { parse(field, text) }
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

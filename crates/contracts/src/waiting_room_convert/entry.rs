//! Who may enter the line: what operators ask for, and what fans show.

use goticket_domain::identity::Assurance;
use goticket_domain::queue::{Challenge, CodeRule, EntryChange, EntryRules, JoinPass};
use goticket_domain::{AccountId, EventId};
use jiff::Timestamp;

use super::{BadMessage, json, parse, text};
use crate::waiting_room as proto;

/// The request that shows this pass.
pub fn join_request(event: EventId, account: AccountId, pass: &JoinPass) -> proto::JoinRequest {
    let JoinPass { proof, code, group } = pass.clone();
    proto::JoinRequest { event: event.to_string(), account: account.to_string(), proof, code, group }
}

impl From<&proto::JoinRequest> for JoinPass {
    fn from(request: &proto::JoinRequest) -> Self {
        Self { proof: request.proof.clone(), code: request.code.clone(), group: request.group.clone() }
    }
}

/// Something about codes or groups, which travels as JSON.
pub fn to_json<T: serde::Serialize>(value: &T) -> Result<String, BadMessage> {
    text("json", value)
}

/// Reads [`to_json`] back.
pub fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, BadMessage> {
    json("json", text)
}

impl From<EntryRules> for proto::EntryRules {
    fn from(EntryRules { proof_of_work, code, identity, groups }: EntryRules) -> Self {
        Self { proof_of_work, code: Some(code.into()), identity: identity.as_str().to_owned(), groups: groups.into() }
    }
}

impl TryFrom<proto::EntryRules> for EntryRules {
    type Error = BadMessage;
    fn try_from(rules: proto::EntryRules) -> Result<Self, BadMessage> {
        let code = rules.code.map(CodeRule::try_from).transpose()?.unwrap_or_default();
        // Of a version that knows nothing of it.
        let identity = if rules.identity.is_empty() { Assurance::default() } else { parse("identity", &rules.identity)? };
        Ok(Self { proof_of_work: rules.proof_of_work, code, identity, groups: largest(rules.groups)? })
    }
}

impl From<EntryChange> for proto::EntryChange {
    fn from(EntryChange { proof_of_work, code, identity, groups }: EntryChange) -> Self {
        let identity = identity.map(|identity| identity.as_str().to_owned());
        Self { proof_of_work, code: code.map(Into::into), identity, groups: groups.map(Into::into) }
    }
}

impl TryFrom<proto::EntryChange> for EntryChange {
    type Error = BadMessage;
    fn try_from(change: proto::EntryChange) -> Result<Self, BadMessage> {
        let identity = change.identity.map(|identity| parse("identity", &identity)).transpose()?;
        let (code, groups) = (change.code.map(CodeRule::try_from).transpose()?, change.groups.map(largest).transpose()?);
        Ok(Self { proof_of_work: change.proof_of_work, code, identity, groups })
    }
}

fn largest(groups: u32) -> Result<u8, BadMessage> {
    u8::try_from(groups).map_err(|error| BadMessage { field: "groups", problem: error.to_string() })
}

impl From<CodeRule> for proto::CodeRule {
    fn from(rule: CodeRule) -> Self {
        match rule {
            CodeRule::Open => Self { asks: false, until_us: None },
            CodeRule::Code { until } => Self { asks: true, until_us: until.map(Timestamp::as_microsecond) },
        }
    }
}

impl TryFrom<proto::CodeRule> for CodeRule {
    type Error = BadMessage;
    fn try_from(proto::CodeRule { asks, until_us }: proto::CodeRule) -> Result<Self, BadMessage> {
        let bad = |error: jiff::Error| BadMessage { field: "until_us", problem: error.to_string() };
        let until = until_us.map(|us| Timestamp::from_microsecond(us).map_err(bad)).transpose()?;
        Ok(if asks { Self::Code { until } } else { Self::Open })
    }
}

impl TryFrom<Option<Challenge>> for proto::ChallengeReply {
    type Error = BadMessage;
    fn try_from(challenge: Option<Challenge>) -> Result<Self, BadMessage> {
        Ok(Self { challenge_json: challenge.map(|challenge| text("challenge_json", &challenge)).transpose()? })
    }
}

impl TryFrom<proto::ChallengeReply> for Option<Challenge> {
    type Error = BadMessage;
    fn try_from(reply: proto::ChallengeReply) -> Result<Self, BadMessage> {
        reply.challenge_json.map(|challenge| json("challenge_json", &challenge)).transpose()
    }
}

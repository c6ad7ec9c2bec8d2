//! What is public of a draw. Records and proofs travel as the JSON that is published: it says what was signed.

use goticket_domain::queue::{DrawProofs, DrawRecord, LobbyPage, PlaceId};

use super::{BadMessage, json, text};
use crate::waiting_room as proto;

/// Reads a place id.
pub fn place_id(text: &str) -> Result<PlaceId, BadMessage> {
    let bad = || BadMessage { field: "place", problem: "a place id is 32 hexadecimal characters".to_owned() };
    PlaceId::from_hex(text).ok_or_else(bad)
}

impl TryFrom<&DrawRecord> for proto::DrawReply {
    type Error = BadMessage;
    fn try_from(record: &DrawRecord) -> Result<Self, BadMessage> {
        Ok(Self { record_json: text("record_json", record)? })
    }
}

impl TryFrom<proto::DrawReply> for DrawRecord {
    type Error = BadMessage;
    fn try_from(reply: proto::DrawReply) -> Result<Self, BadMessage> {
        json("record_json", &reply.record_json)
    }
}

impl From<LobbyPage> for proto::LobbyReply {
    fn from(page: LobbyPage) -> Self {
        Self { leaves: page.leaves, next: page.next }
    }
}

impl From<proto::LobbyReply> for LobbyPage {
    fn from(reply: proto::LobbyReply) -> Self {
        Self { leaves: reply.leaves, next: reply.next }
    }
}

impl TryFrom<&DrawProofs> for proto::ProofsReply {
    type Error = BadMessage;
    fn try_from(proofs: &DrawProofs) -> Result<Self, BadMessage> {
        Ok(Self { proofs_json: text("proofs_json", proofs)? })
    }
}

impl TryFrom<proto::ProofsReply> for DrawProofs {
    type Error = BadMessage;
    fn try_from(reply: proto::ProofsReply) -> Result<Self, BadMessage> {
        json("proofs_json", &reply.proofs_json)
    }
}

//! Requests the broker accepted that are not decided yet: whose they are, and what is known of them.

use goticket_contracts::redis_keys::pending;
use goticket_domain::booking::{IdempotencyKey, PayloadHash, UndecidedRequest};
use goticket_domain::{AccountId, BookingId, EventId, SectionNo};
use goticket_platform::redis::Redis;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// How long an accepted request is remembered. Longer than any queue takes to be worked off.
const LIFE_S: u64 = 3_600;

/// A request that was accepted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) account: AccountId,
    pub(crate) event: EventId,
    pub(crate) section: SectionNo,
    pub(crate) key: IdempotencyKey,
    pub(crate) payload_hash: PayloadHash,
}

impl Pending {
    /// What a cancellation needs to know that may overtake it.
    pub(crate) fn undecided(&self) -> UndecidedRequest {
        UndecidedRequest { key: self.key.clone(), payload_hash: self.payload_hash, section: self.section }
    }
}

/// Notes a request before its fan is told to look later. Losing the note costs a fan their status page until the outcome is there,
/// nothing else.
pub(crate) async fn note(redis: &Redis, booking: BookingId, request: &Pending) -> Result<(), Fault> {
    let text = serde_json::to_vec(request).map_err(|error| Fault::Bug(error.to_string()))?;
    let mut set = redis::cmd("SET");
    set.arg(pending(redis.prefix(), booking)).arg(text).arg("EX").arg(LIFE_S);
    Ok(redis.query(&set).await?)
}

/// What was accepted under this id.
pub(crate) async fn find(redis: &Redis, booking: BookingId) -> Result<Option<Pending>, Fault> {
    let text: Option<Vec<u8>> = redis.query(redis::cmd("GET").arg(pending(redis.prefix(), booking))).await?;
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
}

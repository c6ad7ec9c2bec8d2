//! Requests the broker accepted that are not decided yet: whose they are, and under which key their outcome will stand.

use goticket_contracts::redis_keys::pending;
use goticket_domain::booking::IdempotencyKey;
use goticket_domain::{AccountId, BookingId};
use goticket_platform::redis::Redis;

use crate::app::fault::Fault;

/// How long an accepted request is remembered. Longer than any queue takes to be worked off.
const LIFE_S: u64 = 3_600;

/// Notes a request before its fan is told to look later. Losing the note costs a fan his status page until the outcome is there, nothing else.
pub(crate) async fn note(redis: &Redis, booking: BookingId, account: AccountId, key: &IdempotencyKey) -> Result<(), Fault> {
    let mut set = redis::cmd("SET");
    set.arg(pending(redis.prefix(), booking)).arg(format!("{account} {}", key.as_str())).arg("EX").arg(LIFE_S);
    Ok(redis.query(&set).await?)
}

/// Whose request was accepted under this id, and its key.
pub(crate) async fn find(redis: &Redis, booking: BookingId) -> Result<Option<(AccountId, IdempotencyKey)>, Fault> {
    let text: Option<String> = redis.query(redis::cmd("GET").arg(pending(redis.prefix(), booking))).await?;
    Ok(text.as_deref().and_then(|text| {
        let (account, key) = text.split_once(' ')?;
        Some((account.parse().ok()?, IdempotencyKey::parse(key).ok()?))
    }))
}

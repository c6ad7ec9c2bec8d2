//! Fans as the waiting room let them in: an account, an access token, an entry token. All of it is made before the clock starts.

use std::{num::NonZeroUsize, path::Path, thread, time::Duration};

use anyhow::Context as _;
use goticket_domain::{AccountId, EventId, identity::Role, queue::PlaceId};
use goticket_tokens::{AccessSigner, EntrySigner, keys::KeyFolder};
use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// Longer than any run.
const TOKEN_LIFE: Duration = Duration::from_hours(2);

pub(crate) struct Fan {
    /// `Authorization`
    pub access: HeaderValue,
    /// `Entry-Token`
    pub entry: HeaderValue,
}

/// Signs with the keys that the installation was given, on every core.
pub(crate) fn mint(keys: &Path, event: EventId, accounts: &[AccountId]) -> anyhow::Result<Vec<Fan>> {
    let keys = KeyFolder::at(keys);
    let office = Office { access: keys.access_signer()?, entry: keys.entry_signer()?, event, now: super::now() };
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let part = accounts.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let office = &office;
        let parts: Vec<_> = accounts
            .chunks(part)
            .map(|accounts| scope.spawn(move || accounts.iter().map(|account| office.fan(*account)).collect()))
            .collect();
        let mut fans = Vec::with_capacity(accounts.len());
        for part in parts {
            let minted: anyhow::Result<Vec<Fan>> = part.join().ok().context("a thread that signs panicked")?;
            fans.extend(minted?);
        }
        Ok(fans)
    })
}

struct Office {
    access: AccessSigner,
    entry: EntrySigner,
    event: EventId,
    now: Timestamp,
}

impl Office {
    fn fan(&self, account: AccountId) -> anyhow::Result<Fan> {
        let access = self.access.issue(account, Role::User, Uuid::now_v7(), self.now, TOKEN_LIFE);
        // Gateways look at no room: any place will do.
        let place = PlaceId(*account.0.as_bytes());
        let ends = self.now + SignedDuration::try_from(TOKEN_LIFE)?;
        let entry = self.entry.issue(goticket_tokens::Entrance::to_all_of(self.event), account, place, self.now, ends);
        Ok(Fan { access: HeaderValue::try_from(format!("Bearer {access}"))?, entry: HeaderValue::try_from(entry)? })
    }
}

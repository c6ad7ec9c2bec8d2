//! Sessions: a short-lived access token and a refresh token that is used once. One family of refresh tokens per log-in; using a token
//! that was already used ends the family, because one of the two users is a thief.

use std::time::Duration;

use goticket_platform::redis::Redis;
use goticket_storage::accounts::Account;
use goticket_tokens::AccessSigner;
use jiff::Timestamp;
use uuid::Uuid;

use crate::config::GatewayConfig;
use crate::fault::Fault;
use crate::outbound::refresh_families::{RefreshFamilies, RefreshToken};

/// What a client gets when it logs in, registers or refreshes.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) account: Account,
    pub(crate) access_token: String,
    pub(crate) access_expires_at: Timestamp,
    pub(crate) refresh_token: String,
    pub(crate) refresh_expires_at: Timestamp,
}

/// Issues and ends sessions.
pub(crate) struct Sessions {
    signer: AccessSigner,
    pub(crate) families: RefreshFamilies,
    access_ttl: Duration,
    refresh_ttl: Duration,
}

impl Sessions {
    pub(crate) fn new(signer: AccessSigner, redis: Redis, config: &GatewayConfig) -> Self {
        Self {
            signer,
            families: RefreshFamilies::new(redis),
            access_ttl: config.access_ttl_s.secs(),
            refresh_ttl: config.refresh_ttl_s.secs(),
        }
    }

    /// A new family for a person who proved who they are.
    pub(crate) async fn begin(&self, account: Account, now: Timestamp) -> Result<Session, Fault> {
        let token = RefreshToken::generate(Uuid::new_v4());
        self.families.begin(&token, account.id, self.refresh_ttl).await?;
        Ok(self.session(account, &token, now))
    }

    /// The session's answer for this refresh token, which its family already knows.
    pub(crate) fn session(&self, account: Account, token: &RefreshToken, now: Timestamp) -> Session {
        Session {
            access_token: self.signer.issue(account.id, account.role, token.family, now, self.access_ttl),
            access_expires_at: later(now, self.access_ttl),
            refresh_token: token.to_text(),
            refresh_expires_at: later(now, self.refresh_ttl),
            account,
        }
    }

    pub(crate) fn refresh_ttl(&self) -> Duration {
        self.refresh_ttl
    }
}

fn later(now: Timestamp, ttl: Duration) -> Timestamp {
    now.checked_add(ttl).unwrap_or(Timestamp::MAX)
}

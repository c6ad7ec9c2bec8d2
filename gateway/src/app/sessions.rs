//! Sessions: a short-lived access token and a refresh token that is used once. A session's row in Postgres decides; Redis has its current
//! refresh token as well. Using a token that was already used ends the session, because one of the two users is a thief.

use std::sync::Arc;
use std::time::Duration;

use goticket_domain::identity::Device;
use goticket_platform::redis::Redis;
use goticket_storage::accounts::Account;
use goticket_storage::sessions::{self, NewSession};
use goticket_tokens::AccessSigner;
use jiff::Timestamp;
use sqlx::PgPool;
use uuid::Uuid;

use crate::app::ended_sessions::EndedSessions;
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
    pub(crate) ended: Arc<EndedSessions>,
    access_ttl: Duration,
    refresh_ttl: Duration,
}

impl Sessions {
    pub(crate) fn new(signer: AccessSigner, redis: Redis, config: &GatewayConfig) -> Self {
        let access_ttl = config.access_ttl_s.secs();
        Self {
            signer,
            families: RefreshFamilies::new(redis),
            ended: Arc::new(EndedSessions::new(access_ttl)),
            access_ttl,
            refresh_ttl: config.refresh_ttl_s.secs(),
        }
    }

    /// A new session for a person who proved who they are when their account had this generation of passwords. None: it was disabled, or has
    /// another password by now.
    pub(crate) async fn begin(
        &self,
        pool: &PgPool,
        account: Account,
        password_generation: i32,
        device: &Device,
        now: Timestamp,
    ) -> Result<Option<Session>, Fault> {
        let token = RefreshToken::generate();
        let new = NewSession {
            id: token.session,
            account: account.id,
            password_generation,
            device,
            token: token.hashes(),
            ttl: self.refresh_ttl,
        };
        if !sessions::begin(pool, &new).await? {
            return Ok(None);
        }
        self.families.remember(&token, self.refresh_ttl).await;
        Ok(Some(self.session(account, &token, now)))
    }

    /// The session's answer for this refresh token, which its row already knows.
    pub(crate) fn session(&self, account: Account, token: &RefreshToken, now: Timestamp) -> Session {
        Session {
            access_token: self.signer.issue(account.id, account.role, token.session, now, self.access_ttl),
            access_expires_at: later(now, self.access_ttl),
            refresh_token: token.to_text(),
            refresh_expires_at: later(now, self.refresh_ttl),
            account,
        }
    }

    pub(crate) fn refresh_ttl(&self) -> Duration {
        self.refresh_ttl
    }

    /// The rows of these say that they have ended: their access tokens are refused here from now on, elsewhere within a second.
    pub(crate) async fn have_ended(&self, sessions: &[Uuid]) {
        self.ended.add(sessions);
        self.families.forget(sessions).await;
    }
}

fn later(now: Timestamp, ttl: Duration) -> Timestamp {
    now.checked_add(ttl).unwrap_or(Timestamp::MAX)
}

//! Refresh tokens in Redis: one hash per session, in which the SHA-256 of its current token stands. The session's row in Postgres has the
//! same and decides. Here stops whoever knows no more of a session than its id, and Redis may forget all of it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use goticket_contracts::redis_keys::refresh_family;
use goticket_platform::redis::Redis;
use goticket_storage::sessions::TokenHashes;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::fault::Fault;

/// `<session>.<128 random bits>.<256 random bits>`. The session's id finds the row and is no secret: access tokens show it. The first bits are
/// those of the session, and prove that a token was one of its own; the second are this token's.
pub(crate) struct RefreshToken {
    pub(crate) session: Uuid,
    shared: [u8; 16],
    own: [u8; 32],
}

impl RefreshToken {
    /// The first of a new session.
    pub(crate) fn generate() -> Self {
        Self { session: Uuid::new_v4(), shared: rand::random(), own: rand::random() }
    }

    /// The next one of the same session.
    pub(crate) fn next(&self) -> Self {
        Self { own: rand::random(), ..*self }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (session, secrets) = text.split_once('.')?;
        let (shared, own) = secrets.split_once('.')?;
        if session.len() != 32 || shared.len() != 22 || own.len() != 43 {
            return None;
        }
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        Some(Self {
            session: Uuid::try_parse(session).ok()?,
            shared: bytes(shared)?.try_into().ok()?,
            own: bytes(own)?.try_into().ok()?,
        })
    }

    pub(crate) fn to_text(&self) -> String {
        let (shared, own) = (URL_SAFE_NO_PAD.encode(self.shared), URL_SAFE_NO_PAD.encode(self.own));
        format!("{}.{shared}.{own}", self.session.simple())
    }

    /// What is stored of it.
    pub(crate) fn hashes(&self) -> TokenHashes {
        TokenHashes { secret: Sha256::digest(self.shared).into(), current: Sha256::digest(self.own).into() }
    }
}

/// What Redis knows of a token that is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    /// It is none of the session's tokens.
    Foreign,
    /// It is the current one.
    Current,
    /// It was used before, or Redis has an older one as the current one.
    Other,
    /// There is no such session, or Redis forgot it.
    Unknown,
}

/// All families: the refresh tokens of one session are a family.
pub(crate) struct RefreshFamilies {
    redis: Redis,
}

impl RefreshFamilies {
    pub(crate) fn new(redis: Redis) -> Self {
        Self { redis }
    }

    fn key(&self, session: Uuid) -> String {
        refresh_family(self.redis.prefix(), session)
    }

    pub(crate) async fn look(&self, token: &RefreshToken) -> Result<Seen, Fault> {
        let mut get = redis::cmd("HMGET");
        get.arg(self.key(token.session)).arg("secret").arg("current");
        let (secret, current): (Option<String>, Option<String>) = self.redis.query(&get).await?;
        let shown = token.hashes();
        Ok(match (secret, current) {
            (Some(secret), _) if secret != hex::encode(shown.secret) => Seen::Foreign,
            (Some(_), Some(current)) if current == hex::encode(shown.current) => Seen::Current,
            (Some(_), _) => Seen::Other,
            (None, _) => Seen::Unknown,
        })
    }

    /// This is the current token now: the row says so. Redis need not hear of it.
    pub(crate) async fn remember(&self, token: &RefreshToken, ttl: Duration) {
        let (key, hashes) = (self.key(token.session), token.hashes());
        let mut both = redis::pipe();
        both.atomic();
        both.hset_multiple(&key, &[("secret", hex::encode(hashes.secret)), ("current", hex::encode(hashes.current))]).ignore();
        both.pexpire(&key, i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX)).ignore();
        if let Err(error) = self.redis.pipeline::<()>(&both).await {
            tracing::debug!(%error, session = %token.session, "Redis does not know a session's current token");
        }
    }

    /// These sessions have ended: their rows say so.
    pub(crate) async fn forget(&self, sessions: &[Uuid]) {
        for session in sessions {
            // One by one: in a cluster they are on different nodes.
            if let Err(error) = self.redis.query::<()>(redis::cmd("UNLINK").arg(self.key(*session))).await {
                tracing::debug!(%error, %session, "Redis still knows a session that has ended");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_token_comes_back_from_its_text_and_nothing_else_is_one() {
        let token = RefreshToken::generate();
        let text = token.to_text();
        let back = RefreshToken::parse(&text).unwrap();
        assert_eq!((back.session, back.hashes()), (token.session, token.hashes()));
        let hyphened = format!("{}.{}", token.session, &text[33..]);
        let of_before = format!("{}.{}", &text[..32], &text[56..]);
        for other in ["", ".", "..", "a.b.c", &text[1..], &format!("{text}A"), &text.replace('.', ""), &hyphened, &of_before] {
            assert!(RefreshToken::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn the_next_token_shares_what_is_the_sessions_and_nothing_else() {
        let token = RefreshToken::generate();
        let (first, next) = (token.hashes(), token.next().hashes());
        assert_eq!((token.next().session, next.secret), (token.session, first.secret));
        assert_ne!(next.current, first.current);
    }
}

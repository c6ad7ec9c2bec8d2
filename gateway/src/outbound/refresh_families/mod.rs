//! Refresh tokens in Redis: one hash per family, in which only the SHA-256 of the current token stands.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use goticket_contracts::redis_keys::refresh_family;
use goticket_domain::AccountId;
use goticket_platform::redis::Redis;
use redis::Script;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::fault::Fault;

/// `<family>.<256 random bits>`. The family finds the token; only the bits prove anything.
pub(crate) struct RefreshToken {
    pub(crate) family: Uuid,
    secret: [u8; 32],
}

impl RefreshToken {
    /// The next token of a family.
    pub(crate) fn generate(family: Uuid) -> Self {
        Self { family, secret: rand::random() }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (family, secret) = text.split_once('.')?;
        if family.len() != 32 || secret.len() != 43 {
            return None;
        }
        let family = Uuid::try_parse(family).ok()?;
        Some(Self { family, secret: URL_SAFE_NO_PAD.decode(secret).ok()?.try_into().ok()? })
    }

    pub(crate) fn to_text(&self) -> String {
        format!("{}.{}", self.family.simple(), URL_SAFE_NO_PAD.encode(self.secret))
    }

    fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.secret))
    }
}

/// What became of an exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rotation {
    Done,
    Unknown,
    Reused,
}

/// All families.
pub(crate) struct RefreshFamilies {
    redis: Redis,
    rotate: Script,
}

impl RefreshFamilies {
    pub(crate) fn new(redis: Redis) -> Self {
        Self { redis, rotate: Script::new(include_str!("rotate.lua")) }
    }

    fn key(&self, family: Uuid) -> String {
        refresh_family(self.redis.prefix(), family)
    }

    /// Starts a family with its first token.
    pub(crate) async fn begin(&self, token: &RefreshToken, account: AccountId, ttl: Duration) -> Result<(), Fault> {
        let key = self.key(token.family);
        let mut both = redis::pipe();
        both.atomic();
        both.hset_multiple(&key, &[("account", account.to_string()), ("current", token.hash())]).ignore();
        both.pexpire(&key, millis(ttl)).ignore();
        Ok(self.redis.pipeline(&both).await?)
    }

    /// Whose family it is; None once it has ended.
    pub(crate) async fn account(&self, family: Uuid) -> Result<Option<AccountId>, Fault> {
        let text: Option<String> = self.redis.query(redis::cmd("HGET").arg(self.key(family)).arg("account")).await?;
        Ok(text.and_then(|text| text.parse().ok()))
    }

    pub(crate) async fn rotate(&self, token: &RefreshToken, next: &RefreshToken, ttl: Duration) -> Result<Rotation, Fault> {
        let args = (token.hash(), next.hash(), millis(ttl));
        let answer: String = self.redis.eval(&self.rotate, &[self.key(token.family)], args).await?;
        match answer.as_str() {
            "done" => Ok(Rotation::Done),
            "unknown" => Ok(Rotation::Unknown),
            "reused" => Ok(Rotation::Reused),
            other => Err(Fault::Bug(format!("rotate.lua answered {other:?}"))),
        }
    }

    /// Ends a family. Whoever has one of its tokens may, also a used one: using it would end the family as well.
    pub(crate) async fn end(&self, family: Uuid) -> Result<(), Fault> {
        Ok(self.redis.query(redis::cmd("DEL").arg(self.key(family))).await?)
    }
}

fn millis(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_token_comes_back_from_its_text_and_nothing_else_is_one() {
        let token = RefreshToken::generate(Uuid::new_v4());
        let text = token.to_text();
        let back = RefreshToken::parse(&text).unwrap();
        assert_eq!((back.family, back.secret), (token.family, token.secret));
        let hyphened = format!("{}.{}", token.family, &text[33..]);
        for other in ["", ".", "a.b", &text[1..], &format!("{text}A"), &text.replace('.', ""), &hyphened] {
            assert!(RefreshToken::parse(other).is_none(), "{other}");
        }
    }
}

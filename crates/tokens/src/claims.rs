//! The registered claims every signed JWT of ours carries, and the one place that judges them (RFC 7519, section 4.1).

use jiff::Timestamp;

use crate::{Purpose, TokenError};

/// Issuer of every token: the installation names itself by its keys, not by a URL that may change.
pub const ISSUER: &str = "goticket";
/// How far the clocks of two of our machines may be apart. More would lengthen every session by as much.
pub const LEEWAY_SECONDS: i64 = 60;
/// The same for the end of an entry token: as long as it may buy its slot is not given to anyone else.
pub const ENTRY_LEEWAY_SECONDS: i64 = 10;
/// Longest life of a token. Signers cut to it and verifiers insist on it, so that a slip in a setting (hours for seconds) can't
/// make tokens that outlive every rotation.
pub const MAX_LIFETIME_SECONDS: i64 = 7 * 24 * 3600;

/// Issue and expiry times for a new token in whole seconds, cut to [`MAX_LIFETIME_SECONDS`].
pub(crate) fn lifetime(now: Timestamp, expires_at: Timestamp) -> (i64, i64) {
    let iat = now.as_second();
    (iat, expires_at.as_second().min(iat.saturating_add(MAX_LIFETIME_SECONDS)))
}

/// The registered claims as they stood in the token.
pub(crate) struct Registered<'a> {
    pub(crate) iss: &'a str,
    pub(crate) aud: &'a str,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
}

impl Registered<'_> {
    /// Judges purpose first, then form, then time; returns the expiry.
    pub(crate) fn check(&self, purpose: Purpose, now: Timestamp) -> Result<Timestamp, TokenError> {
        if self.iss != ISSUER || self.aud != purpose.audience() {
            return Err(TokenError::WrongPurpose);
        }
        let at = Timestamp::from_second(self.exp).map_err(|_| TokenError::Malformed)?;
        let issued = Timestamp::from_second(self.iat).map_err(|_| TokenError::Malformed)?.as_second();
        if !(1..=MAX_LIFETIME_SECONDS).contains(&(at.as_second() - issued)) {
            return Err(TokenError::Malformed);
        }
        let now = now.as_second();
        if issued > now + LEEWAY_SECONDS {
            return Err(TokenError::NotYetValid);
        }
        if now >= at.as_second() + purpose.leeway_seconds() {
            return Err(TokenError::Expired { at });
        }
        Ok(at)
    }
}

//! Why a token is refused: one variant per decision the caller can take.

use jiff::Timestamp;

/// A refused token. All but [`Self::Expired`] and [`Self::UnknownKey`] mean that a well-behaved client never had it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours in form: too long, not three parts, a header field or claim missing, doubled or out of range.
    #[error("the token is malformed")]
    Malformed,
    /// The signature is not by the key it names, or not by the algorithm that key is for.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// Signed by a key this verifier doesn't have. After a rotation: fetch the keys again, at most every 30 s.
    #[error("the token was signed with an unknown key")]
    UnknownKey,
    /// A token of ours that is for something else: another type, audience or issuer.
    #[error("the token is for another purpose")]
    WrongPurpose,
    /// Its time is over: refresh it, or claim again.
    #[error("the token expired at {at}")]
    Expired {
        /// When it expired, without the leeway.
        at: Timestamp,
    },
    /// Issued in the future by more than the leeway: somebody's clock is wrong.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Good, but for another event.
    #[error("the token is for another event")]
    WrongEvent,
    /// Good, but somebody else's.
    #[error("the token belongs to another account")]
    WrongAccount,
}

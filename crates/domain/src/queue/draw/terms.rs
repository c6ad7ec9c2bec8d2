//! What is announced before anyone joins, and what the order follows from.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BeaconChain, BeaconSignature, Commitment, DrawSeed, LobbyHead, SignerKey, TermsHash};
use crate::EventId;

/// The rules of this module, by name.
pub const DRAW_ALGORITHM: &str = "goticket-draw-1";

/// Thirty-two random bytes that no one outside sees before the draw.
#[derive(Clone, PartialEq, Eq)]
pub struct DrawSecret(pub [u8; 32]);

impl std::fmt::Debug for DrawSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DrawSecret(…)")
    }
}

impl DrawSecret {
    /// `SHA-256("goticket draw commitment 1" ‖ event ‖ secret)`: what is published in advance, for this event alone.
    pub fn commitment(&self, event: EventId) -> Commitment {
        let hash = Sha256::new().chain_update("goticket draw commitment 1").chain_update(event.0.as_bytes());
        Commitment(hash.chain_update(self.0).finalize().into())
    }
}

/// The public randomness of a draw: a round that comes after the lobby is closed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BeaconTerms {
    /// Whose rounds.
    #[serde(flatten)]
    pub chain: BeaconChain,
    /// The round is the first that comes so long after the lobby is closed, seconds.
    pub margin_s: u32,
    /// Which round; it is waited for however late it comes.
    pub round: u64,
}

/// A draw's terms.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DrawTerms {
    /// [`DRAW_ALGORITHM`].
    pub algorithm: String,
    /// Which event.
    pub event: EventId,
    /// To the secret.
    pub commitment: Commitment,
    /// When the lobby closes.
    pub closes_at: Timestamp,
    /// The public randomness. None: the order follows from the secret and the list alone, and who has both can steer it.
    pub beacon: Option<BeaconTerms>,
    /// Signs receipts, heads and the outcome.
    pub signer: SignerKey,
}

impl BeaconTerms {
    /// Of a lobby that closes then, announced now: the first round at or after the later of both, plus the margin.
    pub fn of(chain: BeaconChain, margin_s: u32, closes_at: Timestamp, announced_at: Timestamp) -> Self {
        let margin = SignedDuration::from_secs(i64::from(margin_s));
        let after = closes_at.max(announced_at).saturating_add(margin).unwrap_or(Timestamp::MAX);
        Self { round: chain.first_round_at(after), chain, margin_s }
    }

    /// When the round comes.
    pub fn comes_at(&self) -> Timestamp {
        self.chain.time_of(self.round).unwrap_or(Timestamp::MAX)
    }
}

impl DrawTerms {
    /// SHA-256 of the terms as JSON, members in the order above, without white space.
    pub fn hash(&self) -> TermsHash {
        // Strings, numbers and times: nothing in it that JSON cannot say.
        TermsHash(Sha256::digest(serde_json::to_vec(self).unwrap_or_default()).into())
    }
}

/// `SHA-256("goticket draw seed 1" ‖ event ‖ root ‖ size ‖ secret ‖ the round's signature)`, the size as eight bytes, the highest first. The
/// signature is empty where the terms name no beacon.
pub fn seed(event: EventId, closed: &LobbyHead, secret: &DrawSecret, round: Option<&BeaconSignature>) -> DrawSeed {
    let hash = Sha256::new().chain_update("goticket draw seed 1").chain_update(event.0.as_bytes());
    let hash = hash.chain_update(closed.root.0).chain_update(closed.size.to_be_bytes()).chain_update(secret.0);
    DrawSeed(hash.chain_update(round.and_then(BeaconSignature::bytes).unwrap_or_default()).finalize().into())
}

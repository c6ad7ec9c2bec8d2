//! A public beacon: a drand chain, whose rounds come at fixed times and cannot be known before.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A chain, and when its rounds come. Its public key is not told with it: a checker takes it from elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BeaconChain {
    /// The chain's hash, by which relays know it. Hexadecimal.
    pub chain: String,
    /// When round 1 came, Unix seconds.
    pub genesis_s: i64,
    /// From one round to the next, seconds.
    pub period_s: u32,
}

/// A round's signature, on G1, compressed: 48 bytes, hexadecimal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BeaconSignature(pub String);

impl BeaconSignature {
    /// The bytes; none where the text is not hexadecimal.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        hex::decode(&self.0).ok()
    }
}

impl BeaconChain {
    /// When a round comes.
    pub fn time_of(&self, round: u64) -> Option<Timestamp> {
        let after = i64::try_from(round.checked_sub(1)?).ok()?.checked_mul(i64::from(self.period_s))?;
        Timestamp::from_second(self.genesis_s.checked_add(after)?).ok()
    }

    /// The first round that comes at this time or later.
    pub fn first_round_at(&self, at: Timestamp) -> u64 {
        let period_ms = i64::from(self.period_s.max(1)) * 1_000;
        // A checker reads chains that anyone may have made up.
        let since_ms = at.as_millisecond().saturating_sub(self.genesis_s.saturating_mul(1_000));
        let periods = since_ms.max(0).unsigned_abs().div_ceil(period_ms.unsigned_abs());
        periods + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> BeaconChain {
        BeaconChain { chain: "aa".into(), genesis_s: 1_000, period_s: 3 }
    }

    #[test]
    fn a_round_comes_at_its_time_and_is_the_first_of_the_times_since_the_one_before() {
        let rows = [(0, 1), (999_999, 1), (1_000_000, 1), (1_000_001, 2), (1_003_000, 2), (1_003_001, 3)];
        for (at_ms, round) in rows {
            let at = Timestamp::from_millisecond(at_ms).unwrap();
            assert_eq!(chain().first_round_at(at), round, "{at_ms}");
            assert!(chain().time_of(round).unwrap() >= at);
        }
        assert_eq!(chain().time_of(0), None);
        assert_eq!(chain().time_of(u64::MAX), None);
        for genesis_s in [i64::MIN, i64::MAX] {
            let absurd = BeaconChain { genesis_s, period_s: 0, ..chain() };
            assert!(absurd.first_round_at(Timestamp::UNIX_EPOCH) >= 1);
            assert_eq!(absurd.time_of(2), None);
        }
    }
}

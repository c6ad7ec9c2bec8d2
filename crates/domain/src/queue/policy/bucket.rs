//! The rate: a bucket that fills as time passes.

use serde::{Deserialize, Serialize};

/// A token, in the unit in which they are counted.
const TOKEN: u64 = 1_000_000;
/// Longer pauses refill no more than this one: the rate is limited so that it fits.
const REFILL_MAX_MS: u64 = 3_600_000;

/// Tokens, and when they were counted. A leaky bucket: over every stretch of t minutes at most `burst + rate · t` are taken out,
/// whatever its clock does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Bucket {
    /// Millionths of a token.
    pub micro_tokens: u64,
    /// When they were counted, Unix ms.
    pub at_ms: i64,
}

impl Bucket {
    /// The bucket later. A time before its own changes nothing.
    #[must_use]
    pub fn at(self, now_ms: i64, rate_per_min: u32, burst: u32) -> Self {
        let passed_ms = u64::try_from(now_ms.saturating_sub(self.at_ms)).unwrap_or(0).min(REFILL_MAX_MS);
        let refilled = u64::from(rate_per_min) * passed_ms * TOKEN / 60_000;
        let micro_tokens = (self.micro_tokens + refilled).min(u64::from(burst) * TOKEN);
        Self { micro_tokens, at_ms: self.at_ms.max(now_ms) }
    }

    /// Whole tokens.
    pub fn tokens(self) -> u64 {
        self.micro_tokens / TOKEN
    }

    /// After so many have been admitted.
    #[must_use]
    pub fn without(self, admitted: u64) -> Self {
        Self { micro_tokens: self.micro_tokens.saturating_sub(admitted.saturating_mul(TOKEN)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// From the outside: whatever the clock does, no stretch has more than burst + rate · t.
        #[test]
        fn no_stretch_admits_more_than_burst_and_rate(
            rate in 0u32..600_000, burst in 0u32..10_000, steps in prop::collection::vec(-5_000i64..20_000, 1..60),
        ) {
            let (mut bucket, mut now, mut latest) = (Bucket::default(), 0i64, 0i64);
            let mut admissions: Vec<(i64, u64)> = Vec::new();
            for step in steps {
                now += step;
                latest = latest.max(now);
                bucket = bucket.at(now, rate, burst);
                let taken = bucket.tokens();
                bucket = bucket.without(taken);
                admissions.push((latest, taken));
            }
            for first in 0..admissions.len() {
                let mut sum = 0;
                for (at, taken) in &admissions[first..] {
                    sum += taken;
                    let passed_ms = u64::try_from(at - admissions[first].0).unwrap();
                    prop_assert!(sum * 60_000 <= u64::from(burst) * 60_000 + u64::from(rate) * passed_ms);
                }
            }
        }
    }
}

//! What goes wrong, and when.

use rand::Rng as _;
use serde::{Deserialize, Serialize};

use crate::crowd::{Stream, stream};

/// The longest until another replica has taken a room over, in milliseconds.
const TAKEOVER_MAX_MS: u32 = 2_000;

/// Something that goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// In this second of the sale.
    pub at_s: u32,
    /// What it is.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What can go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// The replica that owns the room is killed: after it wrote its next turns to the log, and before anyone learned of them.
    ReplicaDies {
        /// Until another one goes on.
        takeover_ms: u32,
    },
    /// Boards reach the fans later.
    BoardsLate {
        /// By so much.
        by_ms: u32,
        /// For so long.
        for_s: u32,
    },
    /// Redis comes up empty: the line is filled from the log before anyone is admitted.
    RedisForgets,
}

impl Fault {
    /// So many faults of all kinds in the first `within_s` seconds of a sale.
    pub fn plan(seed: u64, count: u32, within_s: u32) -> Vec<Self> {
        let mut dice = stream(seed, Stream::Faults);
        let mut faults: Vec<Self> = (0..count)
            .map(|n| {
                let at_s = dice.random_range(0..within_s.max(1));
                let kind = match n % 3 {
                    0 => Kind::ReplicaDies { takeover_ms: dice.random_range(1..=TAKEOVER_MAX_MS) },
                    1 => Kind::BoardsLate { by_ms: dice.random_range(500..=10_000), for_s: dice.random_range(5..=60) },
                    _ => Kind::RedisForgets,
                };
                Self { at_s, kind }
            })
            .collect();
        faults.sort_by_key(|fault| fault.at_s);
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_plan_with_every_kind_in_it() {
        let plan = Fault::plan(7, 6, 100);
        assert_eq!(plan, Fault::plan(7, 6, 100));
        assert_ne!(plan, Fault::plan(8, 6, 100));
        assert!(plan.is_sorted_by_key(|fault| fault.at_s) && plan.iter().all(|fault| fault.at_s < 100));
        let forgets = plan.iter().filter(|fault| fault.kind == Kind::RedisForgets).count();
        assert_eq!((plan.len(), forgets), (6, 2));
    }
}

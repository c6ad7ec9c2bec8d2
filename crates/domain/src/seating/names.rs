//! Names of sections: what a fan reads must tell them apart.

use std::collections::HashSet;

/// Hands out every name once: a name that is taken gets a number, `Balcony`, `Balcony (2)`, …
#[derive(Debug, Default)]
pub(super) struct DistinctNames {
    taken: HashSet<String>,
}

impl DistinctNames {
    /// `wanted`, or `wanted (n)` with the smallest `n` from 2 on that is free.
    pub(super) fn claim(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut n = 1_u32;
        while !self.taken.insert(name.clone()) {
            n += 1;
            name = format!("{wanted} ({n})");
        }
        name
    }
}

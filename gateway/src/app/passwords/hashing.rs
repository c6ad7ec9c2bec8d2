//! bcrypt, and how much of it is computed. Takes a third of a second for each hash: only for threads that may block.

use std::sync::atomic::{AtomicU64, Ordering};

use bcrypt::HashParts;
use goticket_domain::identity::{PREHASHED, prehash};

/// Salt and hash of no password anybody has: verifying against it costs what a real one costs. bcrypt's own alphabet.
const NOBODYS: &str = "abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01232";

/// What came of checking a password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Checked {
    pub(crate) right: bool,
    /// The same password's hash as it would be stored today, where that is another one.
    pub(crate) rehashed: Option<String>,
}

/// Hashes at one cost, and checks those of any.
pub(super) struct Hashing {
    cost: u32,
    /// bcrypt's rounds so far, two to the power of each hash's cost: what whoever asks waits for.
    rounds: AtomicU64,
}

impl Hashing {
    pub(super) fn new(cost: u32) -> Self {
        Self { cost, rounds: AtomicU64::new(0) }
    }

    /// To be stored.
    pub(super) fn hash(&self, password: &str) -> bcrypt::BcryptResult<String> {
        self.count(self.cost);
        Ok(format!("{PREHASHED}{}", bcrypt::non_truncating_hash(prehash(password), self.cost)?))
    }

    /// Whether the password is the one of this hash. A wrong one takes as many rounds as any, whether there is a hash, of which cost, and how
    /// it was made; a right one takes more where it is hashed again.
    pub(super) fn check(&self, password: &str, stored: Option<&str>) -> Checked {
        let digest = prehash(password);
        let Some((hash, is_digests)) = stored.map(|stored| match stored.strip_prefix(PREHASHED) {
            Some(hash) => (hash, true),
            None => (stored, false),
        }) else {
            return self.wrong(&digest, None);
        };
        let Some(cost) = hash.parse::<HashParts>().ok().map(|parts| parts.get_cost()) else { return self.wrong(&digest, None) };
        let Ok(right) = bcrypt::non_truncating_verify(if is_digests { digest.as_str() } else { password }, hash) else {
            // Too long for a hash of before: bcrypt has not begun.
            return self.wrong(&digest, None);
        };
        self.count(cost);
        if !right {
            return self.wrong(&digest, Some(cost));
        }
        let is_todays = is_digests && cost >= self.cost;
        Checked { right, rehashed: if is_todays { None } else { self.hash(password).ok() } }
    }

    /// What is missing to the rounds of a hash of today, after one of this cost.
    fn wrong(&self, digest: &str, computed: Option<u32>) -> Checked {
        // 2^a + (2^a + 2^(a+1) + … + 2^(b-1)) = 2^b
        let missing: Vec<u32> = computed.map_or_else(|| vec![self.cost], |cost| (cost..self.cost).collect());
        for cost in missing {
            self.count(cost);
            // Never right: no one knows a password of it.
            let _ = bcrypt::non_truncating_verify(digest, &format!("$2b${cost:02}${NOBODYS}"));
        }
        Checked { right: false, rehashed: None }
    }

    fn count(&self, cost: u32) {
        let rounds = 1_u64.checked_shl(cost).unwrap_or(u64::MAX);
        self.rounds.fetch_add(rounds, Ordering::Relaxed);
        metrics::counter!("gateway_password_rounds_total").increment(rounds);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    const PASSWORD: &str = "correct horse battery";

    /// The lowest are enough to tell them apart.
    fn of_before(password: &str, cost: u32) -> String {
        bcrypt::non_truncating_hash(password, cost).unwrap()
    }

    #[test]
    fn a_hash_is_of_the_whole_of_its_password_and_of_no_other() {
        let hashing = Hashing::new(5);
        let long = "\u{1f39f}".repeat(64);
        for password in [PASSWORD, &long, ""] {
            let hash = hashing.hash(password).unwrap();
            assert!(hash.starts_with("hmac-sha384:$2b$05$"), "{hash}");
            assert_eq!(hashing.check(password, Some(&hash)), Checked { right: true, rehashed: None }, "{password}");
            for other in [format!("{password}x"), format!("{password}\0"), prehash(password)] {
                assert!(!hashing.check(&other, Some(&hash)).right, "{other}");
            }
            // What is stored is no password either, however it got out.
            let Some(bcrypts) = hash.strip_prefix(PREHASHED) else { panic!("{hash}") };
            assert!(!hashing.check(password, Some(bcrypts)).right);
        }
    }

    #[test]
    fn a_right_password_is_hashed_again_where_its_hash_is_not_as_it_would_be_today() {
        let (low, today, high) = (Hashing::new(4), Hashing::new(5), Hashing::new(6));
        let rows = [
            ("of today", today.hash(PASSWORD).unwrap(), false),
            ("of a lower cost", low.hash(PASSWORD).unwrap(), true),
            ("of a higher cost", high.hash(PASSWORD).unwrap(), false),
            ("of the password itself", of_before(PASSWORD, 5), true),
            ("of the password itself, of a higher cost", of_before(PASSWORD, 6), true),
        ];
        for (what, stored, again) in rows {
            let checked = today.check(PASSWORD, Some(&stored));
            assert!(checked.right, "{what}");
            assert_eq!(checked.rehashed.is_some(), again, "{what}");
            if let Some(next) = checked.rehashed {
                assert_eq!(today.check(PASSWORD, Some(&next)), Checked { right: true, rehashed: None }, "{what}");
            }
            assert_eq!(today.check("another horse", Some(&stored)), Checked { right: false, rehashed: None }, "{what}");
        }
    }

    #[test]
    fn a_wrong_password_takes_as_many_rounds_as_for_an_address_that_is_unknown() {
        let today = Hashing::new(6);
        let rows = [
            ("unknown", None),
            ("of today", Some(today.hash(PASSWORD).unwrap())),
            ("of a lower cost", Some(Hashing::new(4).hash(PASSWORD).unwrap())),
            ("of the password itself", Some(of_before(PASSWORD, 6))),
            ("of the password itself, of a lower cost", Some(of_before(PASSWORD, 5))),
            ("what no one can have hashed", Some("nonsense".to_owned())),
        ];
        let too_long_for_before = "x".repeat(72);
        for (what, stored) in rows {
            for wrong in ["another horse", &too_long_for_before] {
                let before = today.rounds.load(Ordering::Relaxed);
                assert!(!today.check(wrong, stored.as_deref()).right, "{what}");
                assert_eq!(today.rounds.load(Ordering::Relaxed) - before, 64, "{what}, {wrong}");
            }
        }
    }

    #[test]
    fn nobodys_hash_is_well_formed_so_that_it_costs_a_real_check() {
        let parts: HashParts = format!("$2b$12${NOBODYS}").parse().unwrap();
        assert_eq!(parts.get_cost(), 12);
        assert!(!bcrypt::non_truncating_verify(prehash(PASSWORD), &format!("$2b$04${NOBODYS}")).unwrap());
    }
}

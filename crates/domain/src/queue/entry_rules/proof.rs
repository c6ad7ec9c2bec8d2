//! Proof of work at the join, by altcha's protocol (version 1, SHA-256: <https://altcha.org/docs/v2/proof-of-work-v1/>), so that its widget
//! and solvers can be used as they are.
//!
//! `challenge = hex(SHA-256(salt ‖ number))` with a secret number from 0 to `maxnumber`, `signature = hex(HMAC-SHA-256(key, challenge))`.
//! Who wants to join finds the number by trying. The salt says for whom and until when, so that nothing has to be remembered:
//! `nonce?account=…&event=…&expires=…&`. It ends with `&` so that no digit of the number can be taken for one of the time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::limits::MAX_PROOF_COST;
use crate::{AccountId, EventId};

const ALGORITHM: &str = "SHA-256";

/// How long a challenge can be solved, and a solution shown, in seconds: a slow phone at the highest cost, and a fan who looks away.
pub const PROOF_LIFE_S: i64 = 300;

/// Longest solution, in characters: twice what altcha's widget sends.
const PROOF_CHARS_MAX: usize = 1_024;

/// Random bytes of the salt, as altcha has them.
const NONCE_BYTES: usize = 12;

/// What is to be solved, in altcha's form.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Challenge {
    /// `SHA-256`.
    pub algorithm: String,
    /// The hash of salt and number, hexadecimal.
    pub challenge: String,
    /// The highest number to try.
    pub maxnumber: u32,
    /// What stands before the number.
    pub salt: String,
    /// The room's word that it is its challenge, hexadecimal.
    pub signature: String,
}

/// Whose challenge it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChallengeFor {
    /// Whose line.
    pub event: EventId,
    /// Who joins.
    pub account: AccountId,
}

/// What is wrong with a solution.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofFault {
    /// There is none.
    #[error("none was shown")]
    Missing,
    /// It was good until a moment ago.
    #[error("it has expired")]
    Expired,
    /// It is none, solves nothing, or is of another account or event.
    #[error("it is not a solution of this account's challenge")]
    Invalid,
}

/// A solution, as altcha's widget sends it (base64 of JSON); it has more members.
#[derive(Serialize, Deserialize)]
struct Solution {
    algorithm: String,
    challenge: String,
    number: u64,
    salt: String,
    signature: String,
}

impl Challenge {
    /// A challenge of this cost. `random` must be: it has the salt's nonce and the number.
    pub fn new(key: &[u8; 32], whose: ChallengeFor, cost: u32, expires: Timestamp, random: [u8; NONCE_BYTES + 8]) -> Self {
        let (nonce, number) = random.split_at(NONCE_BYTES);
        let number = number.iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte)) % (u64::from(cost) + 1);
        let salt = whose.salt(&hex::encode(nonce), expires.as_second());
        let challenge = hash(&salt, number);
        let signature = hex::encode(mac(key, &challenge).finalize().into_bytes());
        Self { algorithm: ALGORITHM.to_owned(), challenge, maxnumber: cost, salt, signature }
    }

    /// Finds the number and returns the solution's text: what a client does. None where no number solves it.
    pub fn solve(&self) -> Option<String> {
        let number = (0..=u64::from(self.maxnumber)).find(|number| hash(&self.salt, *number) == self.challenge)?;
        let Self { algorithm, challenge, salt, signature, .. } = self.clone();
        let solution = Solution { algorithm, challenge, number, salt, signature };
        Some(STANDARD.encode(serde_json::to_vec(&solution).ok()?))
    }
}

impl ChallengeFor {
    fn salt(self, nonce: &str, expires_s: i64) -> String {
        format!("{nonce}{}{expires_s}&", self.fixed())
    }

    /// What stands between the nonce and the time.
    fn fixed(self) -> String {
        format!("?account={}&event={}&expires=", self.account, self.event)
    }

    /// When a challenge with this salt expires; none where it is of somebody else, or not in its one form.
    fn expires_s(self, salt: &str) -> Option<i64> {
        let (nonce, rest) = salt.split_at_checked(2 * NONCE_BYTES)?;
        let expires_s: i64 = rest.strip_prefix(&self.fixed())?.strip_suffix('&')?.parse().ok()?;
        (self.salt(nonce, expires_s) == salt).then_some(expires_s)
    }
}

/// Checks a solution for one HMAC and one hash, without looking anything up. `keys` are those that sign now and did before.
pub fn check_proof(
    keys: impl IntoIterator<Item = [u8; 32]>,
    whose: ChallengeFor,
    now: Timestamp,
    shown: Option<&str>,
) -> Result<(), ProofFault> {
    let shown = shown.ok_or(ProofFault::Missing)?;
    let solution = read(shown).ok_or(ProofFault::Invalid)?;
    let expires_s = whose.expires_s(&solution.salt).ok_or(ProofFault::Invalid)?;
    let signature = hex::decode(&solution.signature).map_err(|_| ProofFault::Invalid)?;
    let signed = keys.into_iter().any(|key| mac(&key, &solution.challenge).verify_slice(&signature).is_ok());
    if !signed || hash(&solution.salt, solution.number) != solution.challenge {
        return Err(ProofFault::Invalid);
    }
    if now.as_second() >= expires_s { Err(ProofFault::Expired) } else { Ok(()) }
}

fn read(shown: &str) -> Option<Solution> {
    if shown.len() > PROOF_CHARS_MAX {
        return None;
    }
    let solution: Solution = serde_json::from_slice(&STANDARD.decode(shown).ok()?).ok()?;
    (solution.algorithm == ALGORITHM && solution.number <= u64::from(MAX_PROOF_COST)).then_some(solution)
}

fn hash(salt: &str, number: u64) -> String {
    hex::encode(Sha256::new().chain_update(salt).chain_update(number.to_string()).finalize())
}

fn mac(key: &[u8; 32], challenge: &str) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(challenge)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const KEY: [u8; 32] = [b'k'; 32];
    const OURS: ChallengeFor = ChallengeFor { event: EventId(Uuid::from_u128(7)), account: AccountId(Uuid::from_u128(9)) };
    const EXPIRES_S: i64 = 1_700_000_300;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// With number 1,234.
    fn challenge() -> Challenge {
        let random = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 10, 11, 0, 0, 0, 0, 0, 0, 4, 210];
        Challenge::new(&KEY, OURS, 2_000, at(EXPIRES_S), random)
    }

    fn check(shown: &str) -> Result<(), ProofFault> {
        check_proof([KEY], OURS, at(EXPIRES_S - 1), Some(shown))
    }

    /// Made with altcha-lib-py 1.0.0 from this salt, number and key, which also takes the solution.
    #[test]
    fn altchas_own_library_makes_the_same_challenge_and_takes_the_solution() {
        let salt = "010203040506070809000a0b?account=00000000-0000-0000-0000-000000000009&\
                    event=00000000-0000-0000-0000-000000000007&expires=1700000300&";
        let expected = Challenge {
            algorithm: "SHA-256".to_owned(),
            challenge: "aa0aab43fd53c36dcf500d79ce28f2beb88986bc7fa77baaa43e3bc63550b99f".to_owned(),
            maxnumber: 2_000,
            salt: salt.to_owned(),
            signature: "9b54ec77bc4b801f5b2262e3e733ba2dd359555d270a3e6ce06e389337650945".to_owned(),
        };
        assert_eq!(challenge(), expected);
        // With the white space that Python's json writes, and what the widget adds.
        let theirs = format!(
            r#"{{"algorithm": "SHA-256", "challenge": "{}", "number": 1234, "salt": "{salt}", "signature": "{}", "took": 17}}"#,
            expected.challenge, expected.signature
        );
        assert_eq!(check(&STANDARD.encode(theirs)), Ok(()));
        assert_eq!(check(&challenge().solve().unwrap()), Ok(()));
    }

    #[test]
    fn a_solution_is_good_for_one_account_and_event_until_it_expires() {
        let solved = challenge().solve().unwrap();
        let other = Uuid::from_u128(8);
        let (theirs, elsewhere) =
            (ChallengeFor { account: AccountId(other), ..OURS }, ChallengeFor { event: EventId(other), ..OURS });
        let rows = [
            ("its own", [KEY; 2], OURS, EXPIRES_S - 1, Ok(())),
            ("signed by a key from before", [[0; 32], KEY], OURS, EXPIRES_S - 1, Ok(())),
            ("too late", [KEY; 2], OURS, EXPIRES_S, Err(ProofFault::Expired)),
            ("another account's", [KEY; 2], theirs, EXPIRES_S - 1, Err(ProofFault::Invalid)),
            ("another event's", [KEY; 2], elsewhere, EXPIRES_S - 1, Err(ProofFault::Invalid)),
            ("signed by no one we know", [[0; 32]; 2], OURS, EXPIRES_S - 1, Err(ProofFault::Invalid)),
        ];
        for (what, keys, whose, now, expected) in rows {
            assert_eq!(check_proof(keys, whose, at(now), Some(&solved)), expected, "{what}");
        }
        assert_eq!(check_proof([KEY], OURS, at(0), None), Err(ProofFault::Missing));
    }

    #[test]
    fn what_solves_nothing_is_invalid_whatever_it_says() {
        let good = Solution {
            algorithm: ALGORITHM.to_owned(),
            challenge: challenge().challenge,
            number: 1_234,
            salt: challenge().salt,
            signature: challenge().signature,
        };
        let text = |tamper: &dyn Fn(&mut serde_json::Value)| {
            let mut value = serde_json::to_value(&good).unwrap();
            tamper(&mut value);
            STANDARD.encode(value.to_string())
        };
        assert_eq!(check(&text(&|_| {})), Ok(()));
        let spliced = challenge().salt.replace("300&", "3001&");
        let unended = challenge().salt.trim_end_matches('&').to_owned();
        let rows = [
            ("another number", text(&|value| value["number"] = 1_235.into())),
            ("a negative one", text(&|value| value["number"] = (-1).into())),
            ("beyond every cost", text(&|value| value["number"] = (u64::from(MAX_PROOF_COST) + 1).into())),
            ("another algorithm", text(&|value| value["algorithm"] = "SHA-1".into())),
            ("a later end", text(&|value| value["salt"] = spliced.clone().into())),
            ("a salt without its end", text(&|value| value["salt"] = unended.clone().into())),
            ("an expiry with a sign", text(&|value| value["salt"] = challenge().salt.replace("=17", "=+17").into())),
            ("no salt", text(&|value| value["salt"] = "".into())),
            ("another signature", text(&|value| value["signature"] = "00".repeat(32).into())),
            ("a signature that is cut", text(&|value| value["signature"] = good.signature[..62].into())),
            ("no base64", "{}".to_owned()),
            ("no JSON", STANDARD.encode("no")),
            ("nothing", String::new()),
        ];
        for (what, shown) in rows {
            assert_eq!(check(&shown), Err(ProofFault::Invalid), "{what}");
        }
    }

    #[test]
    fn a_solution_has_a_longest_form() {
        let padded = |chars: usize| {
            let mut value = serde_json::json!({ "algorithm": ALGORITHM, "challenge": challenge().challenge, "number": 1_234,
                "salt": challenge().salt, "signature": challenge().signature, "took": "" });
            let missing = chars / 4 * 3 - value.to_string().len();
            value["took"] = "x".repeat(missing).into();
            STANDARD.encode(value.to_string())
        };
        let (fits, long) = (padded(PROOF_CHARS_MAX), padded(PROOF_CHARS_MAX + 4));
        assert_eq!((fits.len(), long.len()), (PROOF_CHARS_MAX, PROOF_CHARS_MAX + 4));
        assert_eq!((check(&fits), check(&long)), (Ok(()), Err(ProofFault::Invalid)));
    }

    /// Every number from 0 to the cost can be the one, and no other.
    #[test]
    fn the_number_is_within_the_cost() {
        for (low, number) in [(0_u64, 0), (1_000, 1_000), (1_001, 0), (1_002, 1)] {
            let mut random = [0; 20];
            random[12..].copy_from_slice(&low.to_be_bytes());
            let made = Challenge::new(&KEY, OURS, 1_000, at(EXPIRES_S), random);
            assert_eq!(made.challenge, hash(&made.salt, number), "{low}");
        }
    }
}

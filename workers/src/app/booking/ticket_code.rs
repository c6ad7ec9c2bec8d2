//! What a ticket's QR code carries: a secret nobody can guess.

use rand::{TryRngCore as _, rngs::OsRng};

/// Crockford's base 32: no letter that reads like a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 26 characters of 5 bits are 130 bits of randomness.
const LENGTH: usize = 26;

/// A fresh code.
pub(crate) fn draw() -> String {
    let mut random = [0_u8; LENGTH];
    if OsRng.try_fill_bytes(&mut random).is_err() {
        // The thread's generator was seeded by the same source when there still was one.
        rand::fill(&mut random[..]);
    }
    random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_26_characters_of_the_alphabet_and_differ() {
        let codes: std::collections::HashSet<String> = (0..1_000).map(|_| super::draw()).collect();
        assert_eq!(codes.len(), 1_000);
        assert!(codes.iter().all(|code| code.len() == 26 && code.bytes().all(|byte| super::ALPHABET.contains(&byte))));
    }
}

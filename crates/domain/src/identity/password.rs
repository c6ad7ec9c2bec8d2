//! Passwords: what may be one, and what of it is hashed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha384;

/// Shortest password, in characters (NIST SP 800-63B asks for at least 8).
pub const MIN_PASSWORD_CHARS: usize = 10;
/// Longest password, in characters, of whatever script: NIST SP 800-63B asks for at least 64. All of them count; see [`prehash`].
pub const MAX_PASSWORD_CHARS: usize = 128;

/// Stands before the bcrypt hash of what [`prehash`] gives. A stored hash without it is of the password itself, from before.
pub const PREHASHED: &str = "hmac-sha384:";

/// Says what the digest is for, so that it is worth nothing anywhere else, and no digest from elsewhere is worth anything here.
const PREHASH_DOMAIN: &[u8] = b"goticket password 1";

/// Why a password is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PasswordError {
    /// Fewer than [`MIN_PASSWORD_CHARS`] characters.
    #[error("must have at least {MIN_PASSWORD_CHARS} characters")]
    TooShort,
    /// More than [`MAX_PASSWORD_CHARS`] characters.
    #[error("must have at most {MAX_PASSWORD_CHARS} characters")]
    TooLong,
    /// Contains a NUL character, which no one can type.
    #[error("must not contain a NUL character")]
    Nul,
}

/// Checks a new password against the limits; the text itself is never kept.
pub fn check_password(password: &str) -> Result<(), PasswordError> {
    let chars = password.chars().count();
    if password.contains('\0') {
        Err(PasswordError::Nul)
    } else if chars < MIN_PASSWORD_CHARS {
        Err(PasswordError::TooShort)
    } else if chars > MAX_PASSWORD_CHARS {
        Err(PasswordError::TooLong)
    } else {
        Ok(())
    }
}

/// What bcrypt is given: it reads 72 bytes at most and some implementations stop at a NUL, so it gets 64 characters of base64, to which every
/// byte of the password contributes (HMAC-SHA-384, 48 bytes).
#[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "HMAC takes keys of any length")]
pub fn prehash(password: &str) -> String {
    let mut mac = Hmac::<Sha384>::new_from_slice(PREHASH_DOMAIN).expect("HMAC takes keys of any length");
    mac.update(password.as_bytes());
    STANDARD_NO_PAD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_limited_at_both_ends_in_characters() {
        let rows = [
            ("ninechars".to_owned(), Err(PasswordError::TooShort)),
            ("ten chars!".to_owned(), Ok(())),
            ("\u{fc}".repeat(9), Err(PasswordError::TooShort)),
            ("\u{1f39f}".repeat(64), Ok(())),
            ("x".repeat(MAX_PASSWORD_CHARS), Ok(())),
            ("\u{1f39f}".repeat(MAX_PASSWORD_CHARS), Ok(())),
            ("x".repeat(MAX_PASSWORD_CHARS + 1), Err(PasswordError::TooLong)),
            ("0123456789\0".to_owned(), Err(PasswordError::Nul)),
        ];
        for (password, expected) in rows {
            assert_eq!(check_password(&password), expected, "{password:?}");
        }
    }

    #[test]
    fn all_of_a_password_is_in_what_bcrypt_reads() {
        let longest = "\u{1f39f}".repeat(MAX_PASSWORD_CHARS);
        for (one, other) in [(longest.clone(), format!("{}x", &longest[..longest.len() - 4])), (String::new(), "\0".to_owned())] {
            let (one, other) = (prehash(&one), prehash(&other));
            assert_ne!(one, other);
            assert!(one.len() == 64 && one.bytes().all(|b| b.is_ascii_graphic()), "{one}");
        }
        // Never to be changed: what is stored depends on it. By `openssl dgst -sha384 -hmac "goticket password 1" -binary | base64`.
        assert_eq!(prehash("correct horse battery"), "7qBA7D4Ww0mM2m45nQ6B5QGXDT5t07S+qBpFeAT2STu/lVNv7c8LAiL2hyv0oO7p");
    }
}

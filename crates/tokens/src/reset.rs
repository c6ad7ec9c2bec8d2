//! The right to set another password, in the link of a mail: an [e-mail proof](crate::EmailProofs) by a key of its own, of the address *and* of how often
//! the account's password was set before. So it is good for one use: setting the password makes the next one.

use goticket_domain::AccountId;
use goticket_domain::identity::EmailAddress;
use jiff::Timestamp;

use crate::TokenError;
use crate::email::{EmailProofs, sha256};

/// Signs and checks such rights.
#[derive(Clone, Debug)]
pub struct PasswordResets(EmailProofs);

/// What one says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PasswordReset {
    /// Whose password.
    pub account: AccountId,
    of: [u8; 32],
}

impl PasswordReset {
    /// Whether it was mailed to this address when the account had this generation of passwords.
    pub fn is_of(&self, email: &EmailAddress, password_generation: i32) -> bool {
        self.of == digest(email, password_generation)
    }
}

impl PasswordResets {
    pub(crate) fn new(root: &[u8; 32], old: &[[u8; 32]]) -> Self {
        Self(EmailProofs::labelled(b"goticket password reset", root, old))
    }

    /// The text, safe in URLs.
    pub fn sign(&self, account: AccountId, email: &EmailAddress, password_generation: i32, expires_at: Timestamp) -> String {
        self.0.sign_digest(account, &digest(email, password_generation), expires_at)
    }

    /// Checks form, signature and time, in this order.
    pub fn verify(&self, text: &str, now: Timestamp) -> Result<PasswordReset, TokenError> {
        self.0.open(text, now).map(|(account, of)| PasswordReset { account, of })
    }
}

/// No address has a line break in it.
fn digest(email: &EmailAddress, password_generation: i32) -> [u8; 32] {
    sha256(format!("{}\n{password_generation}", email.as_str()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_of_one_account_address_and_password_until_it_expires() {
        let account = AccountId(uuid::Uuid::from_u128(7));
        let email = |text| EmailAddress::parse(text).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let (resets, proofs) = (PasswordResets::new(&[1; 32], &[]), EmailProofs::new(&[1; 32], &[]));
        let text = resets.sign(account, &email("a@b.example"), 3, at(1_000));
        let reset = resets.verify(&text, at(999)).unwrap();
        assert_eq!(reset.account, account);
        assert!(reset.is_of(&email("A@b.example"), 3));
        assert!(!reset.is_of(&email("a@b.example"), 4) && !reset.is_of(&email("a@c.example"), 3));
        assert_eq!(resets.verify(&text, at(1_000)), Err(TokenError::Expired { at: at(1_000) }));
        assert_eq!(PasswordResets::new(&[2; 32], &[[1; 32]]).verify(&text, at(999)), Ok(reset), "by a key from before");
        // One is no proof of the other kind.
        assert_eq!(proofs.verify(&text, at(999)), Err(TokenError::BadSignature));
        let proof = proofs.sign(account, &email("a@b.example"), at(1_000));
        assert_eq!(resets.verify(&proof, at(999)), Err(TokenError::BadSignature));
    }
}

//! What proves an invitation: 256 random bits, told once and stored as a hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use goticket_storage::organizations::invitations::TokenHash;
use sha2::{Digest, Sha256};

pub(super) struct InvitationToken([u8; 32]);

impl InvitationToken {
    pub(super) fn generate() -> Self {
        Self(rand::random())
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(Self(URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?))
    }

    pub(super) fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(super) fn hash(&self) -> TokenHash {
        Sha256::digest(self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_nothing_else_is() {
        let token = InvitationToken::generate();
        let text = token.to_text();
        assert_eq!(InvitationToken::parse(&text).unwrap().hash(), token.hash());
        assert_ne!(InvitationToken::generate().hash(), token.hash());
        for wrong in ["", "x", &text[1..], &format!("{text}A"), &text.replace(&text[..1], "*")] {
            assert!(InvitationToken::parse(wrong).is_none(), "{wrong}");
        }
    }
}

//! What the waiting room signs for the world to check: receipts, heads of lobbies, outcomes of draws. Ed25519 over the bytes that the domain
//! defines (`goticket_domain::queue::draw`), each kind under a name of its own, so that none passes for another.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use goticket_domain::queue::{Signature, SignerKey};
use std::sync::Arc;

/// Signs. A room's draw names the public key in its terms, so the key must not change while a lobby is open.
#[derive(Clone)]
pub struct ReceiptSigner {
    pair: Arc<Ed25519KeyPair>,
    public: SignerKey,
}

impl ReceiptSigner {
    /// The pair that follows from these 32 random bytes (RFC 8032's private key); none where they are no private key.
    pub(crate) fn new(seed: &[u8; 32]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let public = SignerKey(pair.public_key().as_ref().try_into().ok()?);
        Some(Self { pair: Arc::new(pair), public })
    }

    /// With which everybody checks.
    pub fn public(&self) -> SignerKey {
        self.public
    }

    /// A signature over these bytes. Costs about 20 µs.
    pub fn sign(&self, bytes: &[u8]) -> Signature {
        let signature = self.pair.sign(bytes);
        let mut out = [0; 64];
        // Ed25519 signatures have 64 bytes.
        out.copy_from_slice(&signature.as_ref()[..64]);
        Signature(out)
    }
}

impl std::fmt::Debug for ReceiptSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceiptSigner").field("public", &self.public.to_hex()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn everybody_checks_with_the_public_key() {
        let signer = ReceiptSigner::new(&[7; 32]).unwrap();
        let key = UnparsedPublicKey::new(&ED25519, signer.public().0);
        let signature = signer.sign(b"a receipt");
        assert!(key.verify(b"a receipt", &signature.0).is_ok());
        assert!(key.verify(b"another", &signature.0).is_err());
    }

    /// RFC 8032, section 7.1, test 1.
    #[test]
    fn the_pair_is_the_one_of_the_rfc() {
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let mut bytes = [0; 32];
        hex::decode_to_slice(seed, &mut bytes).unwrap();
        let signer = ReceiptSigner::new(&bytes).unwrap();
        assert_eq!(signer.public().to_hex(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    }
}

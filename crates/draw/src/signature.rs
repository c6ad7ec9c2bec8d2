//! The waiting room's signatures.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use goticket_domain::queue::draw::{Signature, SignerKey};

/// Whether this signer signed these bytes.
pub fn is_signed(signer: &SignerKey, bytes: &[u8], signature: &Signature) -> bool {
    UnparsedPublicKey::new(&ED25519, signer.0).verify(bytes, &signature.0).is_ok()
}

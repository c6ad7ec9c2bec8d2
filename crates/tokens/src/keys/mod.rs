//! Keys for every purpose, and the folder of files they live in.

mod error;
mod folder;
mod generate;
mod pem;

pub use error::KeyError;
pub use folder::KeyFolder;

use crate::place::PlaceKeys;
use crate::receipt::ReceiptSigner;
use crate::ring::{KeyRing, SigningKey};
use crate::{AccessSigner, AccessVerifier, EntrySigner, EntryVerifier, Purpose};

/// Everything, for a process that plays every role.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Issues access tokens (gateway).
    pub access_signer: AccessSigner,
    /// Verifies access tokens.
    pub access_verifier: AccessVerifier,
    /// Issues entry tokens (admission).
    pub entry_signer: EntrySigner,
    /// Verifies entry tokens (gateway).
    pub entry_verifier: EntryVerifier,
    /// Signs and verifies place tickets, derives place ids (admission).
    pub place: PlaceKeys,
    /// Signs receipts, and what proves a draw (admission).
    pub receipts: ReceiptSigner,
}

impl Keys {
    /// Fresh keys that live as long as this process: for tests and for a first look, since nothing signed with them survives a
    /// restart.
    pub fn generate() -> Self {
        let signing = |purpose| SigningKey::generate(purpose);
        let ring = |key: &SigningKey| KeyRing::new(key.purpose, vec![key.public.clone()]);
        let (access, entry) = (signing(Purpose::Access), signing(Purpose::Entry));
        Self {
            access_verifier: AccessVerifier::new(ring(&access)),
            access_signer: AccessSigner::new(access),
            entry_verifier: EntryVerifier::new(ring(&entry)),
            entry_signer: EntrySigner::new(entry),
            place: PlaceKeys::new(&generate::secret(), &generate::secret(), &[]),
            receipts: ReceiptSigner::generate(),
        }
    }
}

/// What needs no secret: enough to check who calls and who was admitted.
#[derive(Debug, Clone)]
pub struct Verifiers {
    /// Verifies access tokens.
    pub access: AccessVerifier,
    /// Verifies entry tokens.
    pub entry: EntryVerifier,
}

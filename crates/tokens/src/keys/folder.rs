//! The key folder: which files hold what, and reading them.
//!
//! ```text
//! access.pem  access.pub.pem  access.old.*.pem    who calls: signs · public half · verify only (public or private PEM)
//! entry.pem   entry.pub.pem   entry.old.*.pem     who may book: the same
//! place.key   place.old.*.key                     place tickets: signs · verify only (32 bytes, hexadecimal). Keys of codes, of challenges
//!                                                 before joins and of proofs in mails follow from it, each for its purpose
//! place-id.key                                    derives place ids; never changed while a room is open
//! receipt.key                                     signs receipts of places and what proves a draw; never changed while a lobby is open
//! ```
//!
//! A process is given only the files of its role: [`KeyFolder`] reads each on demand. To rotate without a refused token, in three
//! roll-outs: give everybody the new public key as `access.old.next.pem`; swap `access.pem` and `access.pub.pem`, keeping the
//! former public key as `access.old.<date>.pem`; delete that once the longest-lived token has expired. `place.key` likewise.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{KeyError, Keys, Verifiers, pem};
use crate::email::EmailProofs;
use crate::place::PlaceKeys;
use crate::receipt::ReceiptSigner;
use crate::reset::PasswordResets;
use crate::ring::{KeyRing, PublicKey, SigningKey};
use crate::{AccessSigner, AccessVerifier, EntrySigner, EntryVerifier, Purpose};

pub(super) const PLACE_KEY: &str = "place.key";
pub(super) const PLACE_ID_KEY: &str = "place-id.key";
pub(super) const RECEIPT_KEY: &str = "receipt.key";

pub(super) fn private_name(purpose: Purpose) -> String {
    format!("{}.pem", purpose.name())
}

pub(super) fn public_name(purpose: Purpose) -> String {
    format!("{}.pub.pem", purpose.name())
}

/// A folder of key files. Holds no key itself; every call reads the files it needs.
#[derive(Debug, Clone)]
pub struct KeyFolder {
    dir: PathBuf,
}

impl KeyFolder {
    /// Names a folder; nothing is read yet.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Reads everything in the folder.
    pub fn load(dir: impl Into<PathBuf>) -> Result<Keys, KeyError> {
        let folder = Self::at(dir);
        Ok(Keys {
            access_signer: folder.access_signer()?,
            access_verifier: folder.access_verifier()?,
            entry_signer: folder.entry_signer()?,
            entry_verifier: folder.entry_verifier()?,
            place: folder.place()?,
            receipts: folder.receipts()?,
        })
    }

    /// Reads what needs no secret: the public files, or the public halves of private ones where only those are there.
    pub fn load_verifiers(dir: impl Into<PathBuf>) -> Result<Verifiers, KeyError> {
        let folder = Self::at(dir);
        Ok(Verifiers { access: folder.access_verifier()?, entry: folder.entry_verifier()? })
    }

    /// Reads `access.pem`.
    pub fn access_signer(&self) -> Result<AccessSigner, KeyError> {
        self.signing(Purpose::Access).map(AccessSigner::new)
    }

    /// Reads `access.pub.pem` and the old keys.
    pub fn access_verifier(&self) -> Result<AccessVerifier, KeyError> {
        self.ring(Purpose::Access).map(AccessVerifier::new)
    }

    /// Reads `entry.pem`.
    pub fn entry_signer(&self) -> Result<EntrySigner, KeyError> {
        self.signing(Purpose::Entry).map(EntrySigner::new)
    }

    /// Reads `entry.pub.pem` and the old keys.
    pub fn entry_verifier(&self) -> Result<EntryVerifier, KeyError> {
        self.ring(Purpose::Entry).map(EntryVerifier::new)
    }

    /// Reads `place.key`, `place-id.key` and the old keys.
    pub fn place(&self) -> Result<PlaceKeys, KeyError> {
        let (root, old) = self.place_roots()?;
        Ok(PlaceKeys::new(&secret(&self.file(PLACE_ID_KEY))?, &root, &old))
    }

    /// Reads `place.key` and the old keys: what signs the proofs in mails follows from them, for that purpose alone.
    pub fn email_proofs(&self) -> Result<EmailProofs, KeyError> {
        let (root, old) = self.place_roots()?;
        Ok(EmailProofs::new(&root, &old))
    }

    /// The same for the links by which passwords are set.
    pub fn password_resets(&self) -> Result<PasswordResets, KeyError> {
        let (root, old) = self.place_roots()?;
        Ok(PasswordResets::new(&root, &old))
    }

    /// `place.key`, and those that it took the place of.
    fn place_roots(&self) -> Result<([u8; 32], Vec<[u8; 32]>), KeyError> {
        let old = self.old("place", ".key")?;
        let old = old.iter().map(|file| secret(file)).collect::<Result<Vec<_>, _>>()?;
        Ok((secret(&self.file(PLACE_KEY))?, old))
    }

    /// Reads `receipt.key`.
    pub fn receipts(&self) -> Result<ReceiptSigner, KeyError> {
        let file = self.file(RECEIPT_KEY);
        let signer = ReceiptSigner::new(&secret(&file)?);
        signer.ok_or(KeyError::Invalid { file, expected: "an Ed25519 private key, 32 bytes in hexadecimal" })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn signing(&self, purpose: Purpose) -> Result<SigningKey, KeyError> {
        let file = self.file(&private_name(purpose));
        let key = pem::private(purpose, &read(&file)?);
        key.ok_or(KeyError::Invalid { file, expected: "an Ed25519 private key as PKCS#8 PEM" })
    }

    fn ring(&self, purpose: Purpose) -> Result<KeyRing, KeyError> {
        let mut keys = vec![self.current(purpose)?];
        for file in self.old(purpose.name(), ".pem")? {
            keys.push(verifying(purpose, file)?);
        }
        Ok(KeyRing::new(purpose, keys))
    }

    /// The public half of the signing key: from its own file, from the private one, or from both if they agree.
    fn current(&self, purpose: Purpose) -> Result<PublicKey, KeyError> {
        let (public, private) = (self.file(&public_name(purpose)), self.file(&private_name(purpose)));
        match (verifying(purpose, public.clone()), self.signing(purpose)) {
            (Ok(half), Ok(key)) if half.kid != key.public.kid => Err(KeyError::Mismatch { public, private }),
            (Err(KeyError::Missing { .. }), Ok(key)) => Ok(key.public),
            // A gateway may see the private file without being allowed to read it.
            (Ok(half), Ok(_) | Err(KeyError::Missing { .. } | KeyError::Unreadable { .. })) => Ok(half),
            (Ok(_), Err(error)) | (Err(error), _) => Err(error),
        }
    }

    /// Files named `<stem>.old.*<extension>`, in order of their names.
    fn old(&self, stem: &str, extension: &str) -> Result<Vec<PathBuf>, KeyError> {
        let unreadable = |source| KeyError::Unreadable { file: self.dir.clone(), source };
        let start = format!("{stem}.old.");
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            if name.to_str().is_some_and(|name| name.starts_with(&start) && name.ends_with(extension)) {
                files.push(self.dir.join(name));
            }
        }
        files.sort();
        Ok(files)
    }
}

/// A key to verify with, from a public PEM or from the private one it was before a rotation.
fn verifying(purpose: Purpose, file: PathBuf) -> Result<PublicKey, KeyError> {
    let text = read(&file)?;
    let key = pem::public(&text).or_else(|| pem::private(purpose, &text).map(|key| key.public));
    key.ok_or(KeyError::Invalid { file, expected: "an Ed25519 key as PEM" })
}

/// 32 bytes in hexadecimal.
fn secret(file: &Path) -> Result<[u8; 32], KeyError> {
    let mut bytes = [0; 32];
    let invalid = KeyError::Invalid { file: file.to_owned(), expected: "32 bytes in hexadecimal (64 characters)" };
    hex::decode_to_slice(read(file)?.trim_ascii(), &mut bytes).map_err(|_| invalid)?;
    Ok(bytes)
}

fn read(file: &Path) -> Result<Vec<u8>, KeyError> {
    fs::read(file).map_err(|source| match source.kind() {
        ErrorKind::NotFound => KeyError::Missing { file: file.to_owned() },
        _ => KeyError::Unreadable { file: file.to_owned(), source },
    })
}

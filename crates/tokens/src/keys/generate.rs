//! Makes keys and writes them as files: never over an existing one, private ones readable by their owner alone.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use super::folder::{PLACE_ID_KEY, PLACE_KEY, RECEIPT_KEY, private_name, public_name};
use super::{KeyError, KeyFolder, pem};
use crate::Purpose;
use crate::receipt::ReceiptSigner;
use crate::ring::SigningKey;

const PRIVATE_MODE: u32 = 0o600;
const PUBLIC_MODE: u32 = 0o644;

impl KeyFolder {
    /// Writes a complete set of new keys into `dir`, making it if need be. Refuses, before writing anything, where one of its
    /// files is already there.
    pub fn generate(dir: impl Into<PathBuf>) -> Result<Self, KeyError> {
        let folder = Self::at(dir);
        let mut files = Vec::new();
        for purpose in [Purpose::Access, Purpose::Entry] {
            let (private, public) = pair_pem();
            files.push((private_name(purpose), private, PRIVATE_MODE));
            files.push((public_name(purpose), public, PUBLIC_MODE));
        }
        for name in [PLACE_KEY, PLACE_ID_KEY, RECEIPT_KEY] {
            files.push((name.to_owned(), hex::encode(secret()) + "\n", PRIVATE_MODE));
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(folder.dir())
            .map_err(|source| KeyError::Unwritable { file: folder.dir().to_owned(), source })?;
        if let Some(file) = files.iter().map(|(name, ..)| folder.file(name)).find(|file| file.symlink_metadata().is_ok()) {
            return Err(KeyError::Exists { file });
        }
        for (name, text, mode) in files {
            write_new(&folder.file(&name), &text, mode)?;
        }
        Ok(folder)
    }
}

impl SigningKey {
    pub(super) fn generate(purpose: Purpose) -> Self {
        let (private, _) = pair_pem();
        #[expect(clippy::expect_used, reason = "the key was made a line above")]
        pem::private(purpose, private.as_bytes()).expect("a generated key can be read back")
    }
}

impl ReceiptSigner {
    pub(super) fn generate() -> Self {
        #[expect(clippy::expect_used, reason = "any 32 bytes are a private key")]
        Self::new(&secret()).expect("any 32 bytes are a private key")
    }
}

/// 32 random bytes.
#[expect(clippy::expect_used, reason = "the system's randomness doesn't fail once the process runs")]
pub(super) fn secret() -> [u8; 32] {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system has randomness");
    bytes
}

/// A new Ed25519 key, private and public PEM.
#[expect(clippy::expect_used, reason = "the system's randomness doesn't fail once the process runs")]
fn pair_pem() -> (String, String) {
    let pair = Ed25519KeyPair::generate().expect("the system has randomness");
    let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("a generated key has a DER form");
    let public = pair.public_key().as_der().expect("a generated key has a DER form");
    (pem::write("PRIVATE KEY", private.as_ref()), pem::write("PUBLIC KEY", public.as_ref()))
}

fn write_new(file: &Path, text: &str, mode: u32) -> Result<(), KeyError> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(file);
    let written = opened.and_then(|mut open| {
        open.write_all(text.as_bytes())?;
        open.sync_all()
    });
    written.map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => KeyError::Exists { file: file.to_owned() },
        _ => KeyError::Unwritable { file: file.to_owned(), source },
    })
}

//! Why keys could not be loaded or written: the file, and what to do about it.

use std::path::PathBuf;

/// A key file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file is not there.
    #[error("key file {} is missing: copy it from the installation it belongs to, or generate a new key folder", file.display())]
    Missing {
        /// Which.
        file: PathBuf,
    },
    /// The operating system refused to read the file or list the folder.
    #[error("key file {} can't be read: let the user of this process read it ({source})", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("key file {} doesn't hold {expected}: restore it from a copy, or generate a new key folder", file.display())]
    Invalid {
        /// Which.
        file: PathBuf,
        /// What should be in it.
        expected: &'static str,
    },
    /// The public file belongs to another private key, so that nobody would accept what this one signs.
    #[error("key file {} is not the public half of {}: replace both together", public.display(), private.display())]
    Mismatch {
        /// The public half.
        public: PathBuf,
        /// The private one.
        private: PathBuf,
    },
    /// Generating would overwrite a key, and with it every token it signed.
    #[error("key file {} exists and is not overwritten: choose an empty folder, or move the old key away", file.display())]
    Exists {
        /// Which.
        file: PathBuf,
    },
    /// The operating system refused to write the file.
    #[error("key file {} can't be written: choose a folder this user may write to ({source})", file.display())]
    Unwritable {
        /// Which.
        file: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

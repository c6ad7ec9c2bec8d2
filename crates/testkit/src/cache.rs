//! Where the servers that come from package registries are kept: outside the repository, so that
//! every checkout and every second run finds them.
//!
//! `xtask` fills this folder and includes this very file (it compiles without dependencies);
//! `testkit` reads from it.

use std::{
    env,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// Names the cache folder when the default does not suit.
pub(crate) const CACHE_VARIABLE: &str = "GOTICKET_CACHE";
pub(crate) const POSTGRES_VERSION: &str = "18.1.0";
pub(crate) const KAFKA_VERSION: &str = "4.1.0";
pub(crate) const MAIL_VERSION: &str = "2.1.3";
/// Debian's rabbitmq-server package puts the script here that does not insist on its own user.
pub(crate) const RABBITMQ_SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// The cache folder.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// `$GOTICKET_CACHE`; else a folder every user can read when root (PostgreSQL drops its
    /// privileges and must read its own files); else the user's cache folder.
    pub(crate) fn locate() -> Self {
        let named = |variable| env::var_os(variable).filter(|value| !value.is_empty());
        let root = if let Some(folder) = named(CACHE_VARIABLE) {
            PathBuf::from(folder)
        } else if is_root() {
            PathBuf::from("/var/cache/goticket")
        } else if let Some(folder) = named("XDG_CACHE_HOME") {
            PathBuf::from(folder).join("goticket")
        } else {
            PathBuf::from(named("HOME").unwrap_or_else(|| "/tmp".into())).join(".cache/goticket")
        };
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Holds `bin`, `lib` and `share`.
    pub(crate) fn postgres(&self) -> PathBuf {
        self.root.join(format!("postgres-{POSTGRES_VERSION}"))
    }

    /// Holds the jars of the broker.
    pub(crate) fn kafka(&self) -> PathBuf {
        self.root.join(format!("kafka-{KAFKA_VERSION}"))
    }

    /// Holds the mail server's one jar.
    pub(crate) fn mail(&self) -> PathBuf {
        self.root.join(format!("greenmail-{MAIL_VERSION}"))
    }

    /// Whether everything is there. A folder appears under its name only when it is complete.
    pub(crate) fn is_complete(&self) -> bool {
        [self.postgres(), self.kafka(), self.mail()].iter().all(|folder| folder.is_dir())
    }
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

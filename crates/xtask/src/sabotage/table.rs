//! The sabotages: what each takes away, and the check that must notice.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

/// One protection taken away, by `crates/xtask/sabotage/NAME.patch`.
#[derive(Debug)]
pub(crate) struct Sabotage {
    pub(crate) name: &'static str,
    /// The protection.
    pub(crate) removes: &'static str,
    /// What must go red.
    pub(crate) check: Check,
}

/// A checker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// The tests of a package's test binary whose names hold `filter`.
    Tests { package: &'static str, binary: &'static str, filter: &'static str },
    /// A run of `chaos` with these arguments, separated by blanks.
    Chaos(Cow<'static, str>),
}

/// All of them. A test sees to it that each has its patch, and that each patch applies.
pub(crate) const SABOTAGES: &[Sabotage] = &[
    Sabotage {
        name: "accepted-before-confirmed",
        removes: "what the broker has not confirmed is not accepted",
        check: Check::Tests {
            package: "goticket-platform",
            binary: "it",
            filter: "what_no_queue_takes_is_unroutable_and_nothing_else_is",
        },
    },
    Sabotage {
        name: "unsigned-webhook",
        removes: "only the provider's own signature makes a payment's notice true",
        check: Check::Tests {
            package: "goticket-gateway",
            binary: "it",
            filter: "a_notice_is_believed_only_with_a_fresh_signature_over_these_bytes",
        },
    },
];

impl Sabotage {
    pub(crate) fn patch(&self) -> PathBuf {
        patches().join(format!("{}.patch", self.name))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tests { package, binary, filter } => write!(f, "cargo test -p {package} --test {binary} {filter}"),
            Self::Chaos(args) => write!(f, "cargo xtask chaos {args}"),
        }
    }
}

fn patches() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sabotage")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::Command;

    use super::*;

    #[test]
    fn every_sabotage_has_its_patch_and_every_patch_its_sabotage() {
        let listed: BTreeSet<PathBuf> = SABOTAGES.iter().map(Sabotage::patch).collect();
        let found: BTreeSet<PathBuf> = std::fs::read_dir(patches()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(listed, found);
        assert_eq!(listed.len(), SABOTAGES.len(), "two have one name");
    }

    /// A patch that does not apply any more is mended when the code it takes away changes, not when somebody next wonders.
    #[test]
    fn every_patch_applies() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for sabotage in SABOTAGES {
            let applied =
                Command::new("git").args(["apply", "--check"]).arg(sabotage.patch()).current_dir(&root).output().unwrap();
            assert!(applied.status.success(), "{}: {}", sabotage.name, String::from_utf8_lossy(&applied.stderr));
        }
    }
}

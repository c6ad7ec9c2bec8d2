//! A full disk ends a build with whatever the linker dies of; nobody would guess.

use std::{path::Path, process::Command};

/// Less than this free after a failed build: the disk is what failed.
const FREE_MIB_MIN: u64 = 1024;

/// What to do about the disk that `folder` lies on, if it is full.
pub(crate) fn hint(folder: &Path) -> Option<String> {
    let free = free_mib(folder)?;
    (free < FREE_MIB_MIN).then(|| {
        format!(
            "the disk of {} has {free} MiB left: free some, or build elsewhere with CARGO_TARGET_DIR=/some/folder",
            folder.display()
        )
    })
}

/// POSIX `df`: the fourth column of the second line, in KiB.
fn free_mib(folder: &Path) -> Option<u64> {
    let answer = Command::new("df").args(["-Pk"]).arg(folder).output().ok()?;
    let text = String::from_utf8(answer.stdout).ok()?;
    let kib: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kib / 1024)
}

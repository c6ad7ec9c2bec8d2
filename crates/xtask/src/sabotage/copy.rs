//! The copy of the tree that is sabotaged. It stays where it is, with a target folder of its own: the next trial compiles only what its
//! patch changes.

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::step::{Failure, cargo, quietly};

/// A copy that is ours until it is dropped.
pub(super) struct Copy {
    root: PathBuf,
    folder: PathBuf,
    _ours: File,
}

impl Copy {
    /// The copy in cargo's target folder; one process at a time has it.
    pub(super) fn open(target: &Path) -> Result<Self, Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().map_err(failed)?;
        let folder = target.join("sabotage");
        fs::create_dir_all(folder.join("tree")).map_err(failed)?;
        let lock = File::create(folder.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root, folder, _ours: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(Failure::new("copy the tree", "another sabotage is under way", "wait until it has ended"))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// The tree as it is in this moment, with what is not committed yet. Only files that differ are written.
    pub(super) fn restore(&self) -> Result<(), Failure> {
        let files = self.files()?;
        let tree = self.tree();
        for file in &files {
            copy_if_different(&self.root.join(file), &tree.join(file)).map_err(failed)?;
        }
        remove_others(&tree, &tree, &files).map_err(failed)
    }

    /// Takes something away.
    pub(super) fn apply(&self, patch: &Path) -> Result<(), Failure> {
        let mut git = Command::new("git");
        // The copy is no repository; the one around it is none of its business.
        git.args(["apply", "--whitespace=nowarn"])
            .arg(patch)
            .current_dir(self.tree())
            .env("GIT_CEILING_DIRECTORIES", &self.folder);
        quietly("apply the patch", &mut git, "make the patch again: the code it changes is not what it was")
    }

    /// A cargo that works in the copy.
    pub(super) fn cargo(&self) -> Command {
        let mut cargo = cargo();
        cargo.current_dir(self.tree()).env("CARGO_TARGET_DIR", self.target());
        cargo
    }

    pub(super) fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    /// Where a trial's output is kept.
    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// What git knows, and what it does not ignore.
    fn files(&self) -> Result<BTreeSet<PathBuf>, Failure> {
        let mut git = Command::new("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(&self.root);
        let listed = git.output().map_err(failed)?;
        if !listed.status.success() {
            return Err(Failure::new("copy the tree", String::from_utf8_lossy(&listed.stderr), ""));
        }
        let names = String::from_utf8_lossy(&listed.stdout).into_owned();
        let files = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
        // Deleted, and not committed yet.
        Ok(files.filter(|file| self.root.join(file).is_file()).collect())
    }
}

fn copy_if_different(from: &Path, to: &Path) -> io::Result<()> {
    let bytes = fs::read(from)?;
    if fs::read(to).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to).map(drop)
}

/// Removes what lies below `folder` and is not among `files`, which are named from `tree` on.
fn remove_others(tree: &Path, folder: &Path, files: &BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(tree, &path, files)?;
        } else if !path.strip_prefix(tree).is_ok_and(|name| files.contains(name)) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn failed(error: io::Error) -> Failure {
    Failure::new("copy the tree", error, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_keeps_its_time_and_what_is_too_much_goes() {
        let folder = std::env::temp_dir().join(format!("goticket-copy-{}", std::process::id()));
        let (from, to) = (folder.join("from"), folder.join("to"));
        fs::create_dir_all(from.join("a")).unwrap();
        fs::write(from.join("a/same"), "1").unwrap();
        fs::write(from.join("changed"), "1").unwrap();
        let files: BTreeSet<PathBuf> = ["a/same", "changed"].into_iter().map(PathBuf::from).collect();
        let sync = || {
            for file in &files {
                copy_if_different(&from.join(file), &to.join(file)).unwrap();
            }
            remove_others(&to, &to, &files).unwrap();
        };
        sync();
        let time = || fs::metadata(to.join("a/same")).unwrap().modified().unwrap();
        let before = time();
        fs::write(to.join("changed"), "sabotage").unwrap();
        fs::write(to.join("a/new"), "sabotage").unwrap();
        sync();
        assert_eq!(fs::read_to_string(to.join("changed")).unwrap(), "1");
        assert!(!to.join("a/new").exists());
        assert_eq!(time(), before);
        fs::remove_dir_all(folder).unwrap();
    }
}

//! A folder that appears under its final name only when it is complete, so that an interrupted
//! install is never taken for a finished one.

use std::{fs, io, os::unix::fs::PermissionsExt as _, path::Path};

use crate::{cache::Cache, step::Failure};

/// Lets `fill` work in a fresh folder beside `finished`, then renames it. Does nothing when
/// `finished` exists.
pub(crate) fn fill(cache: &Cache, finished: &Path, fill: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    if finished.is_dir() {
        return Ok(());
    }
    let folder = cache.root().join(format!("unfinished-{}", std::process::id()));
    let failed = |error: io::Error| {
        Failure::new(
            &format!("prepare {}", finished.display()),
            error,
            "name a folder you may write to: GOTICKET_CACHE=/some/folder",
        )
    };
    readable_folder(cache.root()).map_err(failed)?;
    remove_interrupted(cache.root()).map_err(failed)?;
    readable_folder(&folder).map_err(failed)?;
    let outcome = fill(&folder).and_then(|()| match fs::rename(&folder, finished) {
        // Another run was faster: its folder is as good as ours.
        Err(_) if finished.is_dir() => Ok(()),
        other => other.map_err(failed),
    });
    let _ = fs::remove_dir_all(&folder);
    outcome
}

/// Removes what installs left behind whose process is gone.
fn remove_interrupted(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(owner) = name.to_str().and_then(|name| name.strip_prefix("unfinished-")) else {
            continue;
        };
        if !Path::new("/proc").join(owner).exists() || owner == std::process::id().to_string() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Readable by everyone whatever the umask: PostgreSQL runs as another user.
fn readable_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

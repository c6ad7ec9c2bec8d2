//! pgbench, which Debian ships in the package of its PostgreSQL server. Only the program is used, and none of Debian's servers is made
//! or started for it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::apt;
use crate::step::Failure;

/// Debian keeps every release's programs in a folder of its own.
const RELEASES: &str = "/usr/lib/postgresql";

/// Stands on Debian's `PATH` for all of them, and is there without any.
const WRAPPER: &str = "pg_wrapper";

/// Where it is, installed if need be.
pub(crate) fn install() -> Result<PathBuf, Failure> {
    if let Some(found) = locate() {
        return Ok(found);
    }
    apt::install(&["postgresql"])?;
    locate().ok_or_else(|| {
        let cause = format!("it is neither in {RELEASES}/*/bin nor on the PATH");
        Failure::new("find pgbench", cause, "install the package that has it: postgresql, or postgresql-contrib")
    })
}

fn locate() -> Option<PathBuf> {
    newest(Path::new(RELEASES)).or_else(|| apt::on_path("pgbench").filter(|program| !is_wrapper(program)))
}

fn is_wrapper(program: &Path) -> bool {
    fs::canonicalize(program).is_ok_and(|file| file.ends_with(WRAPPER))
}

/// The one of the newest release.
fn newest(releases: &Path) -> Option<PathBuf> {
    let number = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    fs::read_dir(releases)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(|folder| folder.join("bin/pgbench").is_file())
        .max_by_key(number)
        .map(|folder| folder.join("bin/pgbench"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_release_that_has_it_is_taken() {
        let releases = std::env::temp_dir().join(format!("goticket-releases-{}", std::process::id()));
        for (release, program) in [("9", "pgbench"), ("15", "pgbench"), ("17", "psql")] {
            let bin = releases.join(release).join("bin");
            fs::create_dir_all(&bin).unwrap();
            fs::write(bin.join(program), "").unwrap();
        }
        assert_eq!(newest(&releases), Some(releases.join("15/bin/pgbench")));
        assert_eq!(newest(&releases.join("17")), None);
        fs::remove_dir_all(&releases).unwrap();
    }
}

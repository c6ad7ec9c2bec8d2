//! PostgreSQL: newer than Debian's own, as one jar around a compressed archive.

use std::{env::consts::ARCH, fs, path::Path, process::Command};

use super::{maven, unfinished};
use crate::{
    cache::{Cache, POSTGRES_VERSION},
    step::{Failure, quietly},
};

pub(crate) fn install(cache: &Cache) -> Result<(), Failure> {
    unfinished::fill(cache, &cache.postgres(), |folder| {
        let platform = if ARCH == "aarch64" { "arm64v8" } else { "amd64" };
        let name = format!("embedded-postgres-binaries-linux-{platform}");
        maven::artifact("PostgreSQL", &format!("io.zonky.test.postgres:{name}:{POSTGRES_VERSION}"), folder)?;
        unpack(folder, &format!("{name}-{POSTGRES_VERSION}.jar"))
    })
}

/// The jar holds one `.txz`, which holds `bin`, `lib` and `share`.
fn unpack(folder: &Path, jar: &str) -> Result<(), Failure> {
    let by_hand = "sudo apt-get install unzip xz-utils tar";
    quietly("open PostgreSQL's jar", Command::new("unzip").args(["-q", "-o", jar, "*.txz"]).current_dir(folder), by_hand)?;
    let failed = |error: std::io::Error| Failure::new("find PostgreSQL's archive", error, by_hand);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|extension| extension == "txz") {
            quietly("unpack PostgreSQL", Command::new("tar").arg("-xJf").arg(&file).current_dir(folder), by_hand)?;
            fs::remove_file(&file).map_err(failed)?;
        }
    }
    fs::remove_file(folder.join(jar)).map_err(failed)?;
    if folder.join("bin/initdb").is_file() {
        Ok(())
    } else {
        Err(Failure::new("unpack PostgreSQL", "its archive holds no bin/initdb", by_hand))
    }
}

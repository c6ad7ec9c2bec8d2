//! Artifacts from Maven's registry.

use std::{path::Path, process::Command};

use crate::step::{Failure, quietly};

const PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";

/// Puts the file of one artifact (`group:name:version`) into `folder`.
pub(crate) fn artifact(what: &str, artifact: &str, folder: &Path) -> Result<(), Failure> {
    let mut command = maven();
    command
        .arg(format!("{PLUGIN}:copy"))
        .arg(format!("-Dartifact={artifact}"))
        .arg(format!("-DoutputDirectory={}", folder.display()));
    run(what, &mut command)
}

/// Puts the artifacts a pom names, with everything they depend on, into `folder`.
pub(crate) fn dependencies(what: &str, pom: &Path, folder: &Path) -> Result<(), Failure> {
    let mut command = maven();
    command.arg(format!("{PLUGIN}:copy-dependencies")).arg("-f").arg(pom).arg(format!("-DoutputDirectory={}", folder.display()));
    run(what, &mut command)
}

fn maven() -> Command {
    let mut command = Command::new("mvn");
    command.args(["--quiet", "--batch-mode"]);
    command
}

fn run(what: &str, command: &mut Command) -> Result<(), Failure> {
    quietly(
        &format!("fetch {what} (Maven artifact)"),
        command,
        "run the command above and see what Maven says; behind a mirror or proxy, name it in ~/.m2/settings.xml",
    )
}

//! Examples that need a stack: built with GoTicket's own binary, which they start as processes.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Failure, cargo, openly};

const PROFILE: &str = "GOTICKET_DEMO_PROFILE";

/// Where the two programs lie.
pub(crate) struct Built {
    example: PathBuf,
    goticket: PathBuf,
}

impl Built {
    /// Builds both; `target` is the folder that this cargo builds into.
    pub(crate) fn new(mut cargo: Command, target: &Path, example: &str, dev: bool) -> Result<Self, Failure> {
        let (profile, folder) = if dev { ("dev", "debug") } else { ("release", "release") };
        cargo.args(["build", "-p", "goticket", "--bin", "goticket", "--example", example]).args(["--profile", profile]);
        openly("build GoTicket", &mut cargo)?;
        let built = target.join(folder);
        Ok(Self { example: built.join("examples").join(example), goticket: built.join("goticket") })
    }

    /// In the profile that the environment asks for.
    pub(crate) fn here(example: &str) -> Result<Self, Failure> {
        let dev = std::env::var(PROFILE).is_ok_and(|profile| profile == "dev");
        Self::new(cargo(), &crate::step::target()?, example, dev)
    }

    /// The example, told where the binary is.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.example);
        command.env("GOTICKET_BIN", &self.goticket);
        command
    }
}

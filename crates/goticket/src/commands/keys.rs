//! `goticket keys …`

use std::process::ExitCode;

use goticket_tokens::keys::KeyFolder;

use crate::cli::KeysCommand;

pub(super) fn run(command: KeysCommand) -> anyhow::Result<ExitCode> {
    match command {
        KeysCommand::Generate { dir } => {
            KeyFolder::generate(&dir)?;
            super::print(&format!("New keys are in {}. Keep them secret and backed up.\n", dir.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

//! Sees to it that nothing survives its owner.
//!
//! A destructor does not run when a process is killed. So every stack has a keeper: a tiny shell
//! process in a group of its own that reads a pipe whose only writer is the owner. When the owner
//! ends, in whichever way, the pipe closes; the keeper then kills every process that carries the
//! stack's mark in its environment (children inherit it, daemons like RabbitMQ's epmd too), removes
//! the containers with that label, and the folder.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};

/// Carried by every process that must not survive; its value is the stack's folder.
pub(crate) const MARK: &str = "GOTICKET_STACK";
/// The label containers carry; its value is the folder's name.
pub(crate) const LABEL: &str = "goticket.stack";

/// `$1` the folder, `$2` `docker` or nothing.
///
/// A server that writes its title over its environment loses the mark. PostgreSQL's workers do, so it
/// is found by its pid file, and asked to quit first, because it owns a piece of shared memory; Redis
/// is told not to.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
cat > /dev/null
cd /
running() { [ -s "/proc/$1/cmdline" ]; }
marked() { grep -lszxF -e "GOTICKET_STACK=$folder" /proc/[0-9]*/environ 2> /dev/null | cut -d / -f 3; }
folder=$1
for pid_file in "$folder"/*/postmaster.pid "$folder"/*/*/postmaster.pid; do
    [ -s "$pid_file" ] || continue
    postgres=$(head -n 1 "$pid_file")
    kill -QUIT "$postgres" 2> /dev/null
    tries=60
    while running "$postgres" && [ $tries -gt 0 ]; do tries=$((tries - 1)); sleep 0.05; done
    kill -KILL "$postgres" 2> /dev/null
done
tries=100
while pids=$(marked) && [ -n "$pids" ] && [ $tries -gt 0 ]; do
    kill -KILL $pids 2> /dev/null
    tries=$((tries - 1))
    sleep 0.05
done
if [ "$2" = docker ]; then
    containers=$(docker ps -aq --filter "label=goticket.stack=${folder##*/}")
    [ -z "$containers" ] || docker rm -f -v $containers
fi
rm -rf "$folder"
"#;

/// Owns a folder, and the processes and containers that bear its mark.
#[derive(Debug)]
pub(crate) struct Keeper {
    folder: PathBuf,
    process: Child,
}

impl Keeper {
    /// Makes the folder and starts to watch over it.
    pub(crate) fn new(docker: bool) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("goticket-").tempdir().context("make a temporary folder")?;
        // PostgreSQL, run as another user, must be able to walk through it.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let process = Command::new("sh")
            .args(["-c", SCRIPT, "goticket-keeper"])
            .arg(folder.path())
            .arg(if docker { "docker" } else { "" })
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // The keeper of a stack inside a stack must not be killed as a part of the outer one.
            .env_remove(MARK)
            .process_group(0)
            .spawn()
            .context("start the process that cleans up: sh")?;
        // From here on the folder is the keeper's.
        Ok(Self { folder: folder.keep(), process })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends everything now and returns when it is gone. Blocks.
    pub(crate) fn finish(mut self) -> Result<()> {
        drop(self.process.stdin.take());
        self.process.wait().context("wait for the clean-up")?;
        Ok(())
    }
}

/// Makes the process that `command` will start, and all its descendants, end with the stack.
pub(crate) fn mark(command: &mut Command, folder: &Path) {
    command.env(MARK, folder);
}

//! Nothing outlives its owner. These start stacks of their own, so the shared one is left alone.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use goticket_testkit::eventually;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

const START: Duration = Duration::from_mins(3);
const END: Duration = Duration::from_secs(30);

/// Names that make a stack believe it has every server, where only its clean-up is of interest.
const NO_SERVERS: [&str; 7] = [
    "GOTICKET_TEST_POSTGRES_URL",
    "GOTICKET_TEST_REDIS_URL",
    "GOTICKET_TEST_AMQP_URL",
    "GOTICKET_TEST_AMQP_MANAGEMENT_URL",
    "GOTICKET_TEST_KAFKA_BROKERS",
    "GOTICKET_TEST_SMTP_URL",
    "GOTICKET_TEST_MAILBOX_URL",
];

#[tokio::test]
async fn no_server_survives_sigkill_of_the_owner() {
    let mut owner = Owner::start(&[], "exec sleep 600").await;
    let processes = owner.processes().len();
    assert!(processes >= 7, "{processes} processes are too few to prove anything");
    owner.signal(Signal::SIGKILL);
    owner.child.wait().unwrap();
    owner.leaves_nothing().await;
}

#[tokio::test]
async fn a_terminated_owner_takes_its_commands_daemons_along() {
    let mut owner = Owner::start(&NO_SERVERS, "setsid sleep 600 & exec sleep 600").await;
    eventually("shell, daemon and sleep", START, || async { (owner.processes().len() == 2).then_some(()) }).await;
    owner.signal(Signal::SIGTERM);
    assert_eq!(owner.child.wait().unwrap().code(), Some(143));
    owner.leaves_nothing().await;
}

#[tokio::test]
async fn the_exit_code_of_the_command_is_passed_on() {
    let mut owner = Owner::start(&NO_SERVERS, "exit 7").await;
    assert_eq!(owner.child.wait().unwrap().code(), Some(7));
    owner.leaves_nothing().await;
}

/// A process with a stack of its own.
struct Owner {
    child: Child,
    folder: PathBuf,
    _scratch: tempfile::TempDir,
}

impl Owner {
    /// Starts it and waits until its command, a shell script, runs.
    async fn start(named: &[&str], script: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let told = scratch.path().join("folder");
        // Written under another name first, so that it is never read half-written.
        let script = format!("echo $GOTICKET_TEST_FOLDER > {0}.new && mv {0}.new {0}; {script}", told.display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
        command.args(["run", "--", "sh", "-c", &script]).stdin(Stdio::null()).process_group(0);
        // Not the servers this test may have been given.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOTICKET_TEST_")) {
            command.env_remove(name);
        }
        command.envs(named.iter().map(|name| (name, "http://nowhere.invalid")));
        command.env("GOTICKET_DOCKER", "0");
        let child = command.spawn().unwrap();
        let folder = eventually("the servers", START, || async { fs::read_to_string(&told).ok() }).await;
        Self { child, folder: folder.trim().into(), _scratch: scratch }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// What belongs to its stack, found by the mark it carries or by the folder it works in.
    fn processes(&self) -> Vec<PathBuf> {
        let mark = format!("GOTICKET_STACK={}", self.folder.display());
        let of_stack = |process: &PathBuf| {
            let marked =
                fs::read(process.join("environ")).is_ok_and(|all| all.split(|byte| *byte == 0).any(|one| one == mark.as_bytes()));
            marked || fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&self.folder))
        };
        let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        entries.map(|entry| entry.path()).filter(of_stack).collect()
    }

    async fn leaves_nothing(&self) {
        eventually("the folder to go", END, || async { (!self.folder.exists()).then_some(()) }).await;
        // A killed process with much memory takes a moment to be gone.
        eventually("the processes to go", END, || async { self.processes().is_empty().then_some(()) }).await;
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

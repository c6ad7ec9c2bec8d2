//! GoTicket as it is deployed: processes with roles, on the servers of one test bed. Knows nothing of GoTicket but its command line and
//! the names of its settings.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::{TestBed, free_port, keeper};

/// How long a process may take until it answers.
const START: Duration = Duration::from_mins(1);

/// How long a process may take to drain.
const DRAIN: Duration = Duration::from_secs(40);

/// Names the program; every `cargo xtask` that runs it sets this.
const BINARY: &str = "GOTICKET_BIN";

/// Lanes of its installation.
const LANES: &str = "4";

/// The processes and what they share.
#[derive(Debug)]
pub struct Deployment {
    /// The servers' part that is theirs.
    pub bed: TestBed,
    binary: PathBuf,
    env: Vec<(String, String)>,
    gateway: u16,
    running: Vec<Process>,
    started: u32,
}

/// One of the processes.
#[derive(Debug)]
struct Process {
    /// Its roles, or what it is called where several play the same.
    name: String,
    child: Child,
    /// Where it reports its health, if it plays worker roles.
    health: u16,
    /// Where it does as a gateway.
    private: Option<u16>,
}

/// What a command printed.
#[derive(Debug)]
pub struct Output {
    /// It exited with 0.
    pub success: bool,
    /// Standard output; of a failed command standard error, too.
    pub stdout: String,
}

impl Deployment {
    /// The `goticket` program that the environment names.
    pub fn binary() -> anyhow::Result<PathBuf> {
        std::env::var_os(BINARY).map(PathBuf::from).with_context(|| format!("{BINARY} does not name the goticket binary"))
    }

    /// Prepares keys, schema and settings for the `goticket` binary; starts nothing yet.
    pub async fn prepare(bed: TestBed, binary: PathBuf) -> anyhow::Result<Self> {
        let (gateway, admission, sandbox) = (free_port(), free_port(), free_port());
        let keys = bed.objects_dir.join("keys");
        // Made for this deployment and gone with it.
        let secret = || format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
        let (api_key, webhook_secret, grpc_secret) = (secret(), secret(), secret());
        let settings = [
            // Few: each is two quorum queues, which a test would wait for.
            ("LANES__COUNT", LANES.to_owned()),
            ("POSTGRES__URL", bed.postgres_url.clone()),
            ("REDIS__URL", bed.redis_url.clone()),
            ("REDIS__PREFIX", bed.redis_prefix.clone()),
            ("AMQP__URL", bed.amqp_url.clone()),
            ("KAFKA__BROKERS", bed.kafka_brokers.clone()),
            ("KAFKA__TOPIC_PREFIX", bed.kafka_topic_prefix.clone()),
            ("SMTP__HOST", bed.smtp_host.clone()),
            ("SMTP__PORT", bed.smtp_port.to_string()),
            ("SMTP__TLS", "none".to_owned()),
            ("KEYS__DIR", keys.display().to_string()),
            ("OBJECTS__DIR", bed.objects_dir.display().to_string()),
            ("TELEMETRY__FILTER", std::env::var("GOTICKET_LOG").unwrap_or_else(|_| "warn".to_owned())),
            ("DEPLOYMENT__ENVIRONMENT", "development".to_owned()),
            ("GATEWAY__LISTEN", format!("127.0.0.1:{gateway}")),
            ("GATEWAY__PUBLIC_URL", format!("http://127.0.0.1:{gateway}")),
            ("GATEWAY__ADMISSION_URL", format!("http://127.0.0.1:{admission}")),
            // Everybody comes from one address here.
            ("GATEWAY__AUTH_PER_MIN", "0".to_owned()),
            ("GATEWAY__JOINS_PER_MIN", "0".to_owned()),
            ("GATEWAY__CONNECTIONS__OF_NETWORK_MAX", "0".to_owned()),
            // Outages of minutes are not what ends a fan's session here.
            ("ADMISSION__ENTRY_TOKEN_S", "600".to_owned()),
            ("ADMISSION__LISTEN", format!("127.0.0.1:{admission}")),
            ("ADMISSION__GRPC_SECRET", grpc_secret.clone()),
            ("GATEWAY__ADMISSION_SECRET", grpc_secret),
            ("SANDBOX__LISTEN", format!("127.0.0.1:{sandbox}")),
            ("SANDBOX__PUBLIC_URL", format!("http://127.0.0.1:{sandbox}")),
            ("SANDBOX__API_KEY", api_key.clone()),
            ("SANDBOX__WEBHOOK_SECRET", webhook_secret.clone()),
            ("PAYMENTS__URL", format!("http://127.0.0.1:{sandbox}")),
            ("PAYMENTS__API_KEY", api_key),
            ("PAYMENTS__WEBHOOK_SECRET", webhook_secret),
        ];
        let env = settings.into_iter().map(|(name, value)| (format!("GOTICKET__{name}"), value)).collect();
        let deployment = Self { bed, binary, env, gateway, running: Vec::new(), started: 0 };
        deployment.command(&["keys", "generate", &keys.display().to_string()]).await?;
        deployment.command(&["migrate"]).await?;
        Ok(deployment)
    }

    /// The gateway's address.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.gateway)
    }

    /// Changes a setting for the processes and commands started from now on, e.g. `("GATEWAY__AUTH_PER_MINUTE", "1000")`.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let name = format!("GOTICKET__{name}");
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.into()));
    }

    /// The settings as the processes get them, for a person's shell.
    pub fn env(&self) -> &[(String, String)] {
        &self.env
    }

    /// Starts a process playing these roles.
    pub fn start(&mut self, roles: &str) -> anyhow::Result<()> {
        self.start_as(roles, roles, &[])
    }

    /// Starts a process playing these roles under a name of its own, which stands for it wherever roles do, and with settings of its
    /// own, e.g. `("GATEWAY__LISTEN", "127.0.0.1:8080")`.
    pub fn start_as(&mut self, name: &str, roles: &str, settings: &[(String, String)]) -> anyhow::Result<()> {
        self.started += 1;
        let log = self.log_file(name);
        let log = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let (health, private) = (free_port(), free_port());
        let is_gateway = roles.split(',').any(|role| matches!(role, "gateway" | "all"));
        let child = self
            .goticket(&["serve", "--roles", roles])
            .env("GOTICKET__WORKERS__LISTEN", format!("127.0.0.1:{health}"))
            .env("GOTICKET__GATEWAY__PRIVATE_LISTEN", format!("127.0.0.1:{private}"))
            .envs(settings.iter().map(|(name, value)| (format!("GOTICKET__{name}"), value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        self.running.push(Process { name: name.to_owned(), child, health, private: is_gateway.then_some(private) });
        Ok(())
    }

    /// The id of the running process with these roles.
    pub fn process_id(&self, roles: &str) -> anyhow::Result<u32> {
        self.process(roles)?.child.id().context("the process has ended")
    }

    /// Whether there is a process with these roles that was started and not ended.
    pub fn is_running(&self, roles: &str) -> bool {
        self.process(roles).is_ok()
    }

    /// Forgets the processes that ended by themselves, and tells which and how.
    pub fn take_ended(&mut self) -> anyhow::Result<Vec<(String, ExitStatus)>> {
        let mut ended = Vec::new();
        for process in &mut self.running {
            if let Some(status) = process.child.try_wait()? {
                ended.push((process.name.clone(), status));
            }
        }
        self.running.retain(|process| ended.iter().all(|(name, _)| *name != process.name));
        Ok(ended)
    }

    /// Where the process with these worker roles reports its health.
    pub fn health_url(&self, roles: &str) -> anyhow::Result<String> {
        Ok(format!("http://127.0.0.1:{}", self.process(roles)?.health))
    }

    /// Where the gateway with these roles reports how it does, and no fan can ask.
    pub fn private_url(&self, roles: &str) -> anyhow::Result<String> {
        Ok(format!("http://127.0.0.1:{}", self.process(roles)?.private.context("the process is no gateway")?))
    }

    /// The same of the gateway that was started first.
    pub fn gateway_private_url(&self) -> anyhow::Result<String> {
        let gateway = self.running.iter().find(|process| process.private.is_some()).context("no gateway is running")?;
        self.private_url(&gateway.name)
    }

    /// Kills the process with these roles, without any warning.
    pub async fn kill(&mut self, roles: &str) -> anyhow::Result<()> {
        self.remove(roles)?.child.kill().await.context("cannot kill the process")
    }

    /// Waits until the gateway says it is ready, with everything it needs.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let url = format!("{}/readyz", self.gateway_private_url()?);
        let deadline = tokio::time::Instant::now() + START;
        loop {
            if reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            self.all_alive()?;
            if tokio::time::Instant::now() > deadline {
                bail!("GoTicket is not ready after {} s; its logs:\n{}", START.as_secs(), self.logs());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// An error if a process ended by itself.
    pub fn all_alive(&mut self) -> anyhow::Result<()> {
        for process in &mut self.running {
            if let Some(status) = process.child.try_wait()? {
                let roles = process.name.clone();
                bail!("the process for {roles} ended by itself ({status}); its log:\n{}", self.logs());
            }
        }
        Ok(())
    }

    /// Runs a goticket command to its end; one that fails is an error.
    pub async fn command(&self, args: &[&str]) -> anyhow::Result<Output> {
        self.command_with(args, &[]).await
    }

    /// Like [`Self::command`], with more in the environment.
    pub async fn command_with(&self, args: &[&str], env: &[(&str, &str)]) -> anyhow::Result<Output> {
        let output = self.try_command(args, env).await?;
        anyhow::ensure!(output.success, "goticket {} failed:\n{}", args.join(" "), output.stdout);
        Ok(output)
    }

    /// Runs a goticket command to its end, whatever it says.
    pub async fn try_command(&self, args: &[&str], env: &[(&str, &str)]) -> anyhow::Result<Output> {
        let output = self.goticket(args).envs(env.iter().copied()).kill_on_drop(true).output().await?;
        let mut stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            stdout.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        Ok(Output { success: output.status.success(), stdout })
    }

    /// Ends one process as an orchestrator would: SIGTERM, and time to drain. It must end with success.
    pub async fn terminate(&mut self, roles: &str) -> anyhow::Result<()> {
        self.begin_termination(roles)?;
        self.ended(roles).await
    }

    /// Sends SIGTERM; the process drains from now on.
    pub fn begin_termination(&self, roles: &str) -> anyhow::Result<()> {
        self.signal(roles, Signal::SIGTERM)
    }

    /// Makes a process stand still, as a machine without power for a while.
    pub fn pause(&self, roles: &str) -> anyhow::Result<()> {
        self.signal(roles, Signal::SIGSTOP)
    }

    /// Lets a paused process go on.
    pub fn resume(&self, roles: &str) -> anyhow::Result<()> {
        self.signal(roles, Signal::SIGCONT)
    }

    fn signal(&self, roles: &str, signal: Signal) -> anyhow::Result<()> {
        let id = self.process_id(roles)?;
        Ok(kill(Pid::from_raw(i32::try_from(id)?), signal)?)
    }

    /// Waits until a process that drains has ended; it must end with success.
    pub async fn ended(&mut self, roles: &str) -> anyhow::Result<()> {
        let mut process = self.remove(roles)?;
        let ended = tokio::time::timeout(DRAIN, process.child.wait()).await;
        let status = ended.with_context(|| format!("{roles} does not end on SIGTERM; its log:\n{}", self.logs()))??;
        anyhow::ensure!(status.success(), "{roles} ended with {status}; its log:\n{}", self.logs());
        Ok(())
    }

    /// Terminates every process, the last started first.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        while let Some(last) = self.running.last() {
            let roles = last.name.clone();
            self.terminate(&roles).await?;
        }
        Ok(())
    }

    fn process(&self, roles: &str) -> anyhow::Result<&Process> {
        self.running.iter().find(|process| process.name == roles).context("no such process")
    }

    fn remove(&mut self, roles: &str) -> anyhow::Result<Process> {
        let at = self.running.iter().position(|process| process.name == roles).context("no such process")?;
        Ok(self.running.remove(at))
    }

    fn goticket(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).envs(self.env.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        if let Some(folder) = &self.bed.mark {
            keeper::mark(command.as_std_mut(), folder);
        }
        command
    }

    fn log_file(&self, roles: &str) -> PathBuf {
        let name: String = roles.chars().take_while(char::is_ascii_alphabetic).collect();
        self.bed.objects_dir.join(format!("{name}-{}.log", self.started))
    }

    /// The ends of all logs.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(&self.bed.objects_dir).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "log") {
                let log = std::fs::read_to_string(entry.path()).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(15).collect();
                let _ = writeln!(text, "— {}", entry.file_name().display());
                for line in tail.iter().rev() {
                    let _ = writeln!(text, "  {line}");
                }
            }
        }
        text
    }
}

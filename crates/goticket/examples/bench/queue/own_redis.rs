//! A Redis of the benchmark's own: it is emptied, measured and filled without anyone else noticing.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, ensure};
use goticket_testkit::free_port;
use redis::{AsyncCommands as _, AsyncConnectionConfig, Client, aio::MultiplexedConnection, cmd};
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
    time::{Instant, sleep},
};

/// How long it may take to answer, and to free what was thrown away.
const START: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Members of one ZADD, as the waiting room writes them.
const CHUNK: usize = 1_000;

pub(super) struct OwnRedis {
    pub url: String,
    port: u16,
    /// Ends when this is dropped.
    _process: Child,
    _folder: TempDir,
}

/// Members of a sorted set and their scores.
pub(super) type Members = Vec<(Vec<u8>, u64)>;

impl OwnRedis {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let (folder, port) = (tempfile::tempdir()?, free_port());
        let process = Command::new("redis-server")
            .current_dir(folder.path())
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start redis-server: `cargo xtask install` installs it")?;
        let own = Self { url: format!("redis://127.0.0.1:{port}/"), port, _process: process, _folder: folder };
        let until = Instant::now() + START;
        while let Err(error) = own.connect().await {
            ensure!(Instant::now() < until, "Redis does not answer: {error:#}");
            sleep(LOOK_AGAIN).await;
        }
        Ok(own)
    }

    pub(super) async fn connect(&self) -> anyhow::Result<MultiplexedConnection> {
        connect(&self.url).await
    }

    /// Bytes that its data take, as it says itself, once what was thrown away is freed.
    pub(super) async fn used_memory(&self) -> anyhow::Result<u64> {
        let (mut redis, until) = (self.connect().await?, Instant::now() + PATIENCE);
        loop {
            let info: String = cmd("INFO").arg("memory").query_async(&mut redis).await?;
            if number(&info, "lazyfree_pending_objects")? == 0 {
                return number(&info, "used_memory");
            }
            ensure!(Instant::now() < until, "Redis frees something for ever");
            sleep(LOOK_AGAIN).await;
        }
    }

    /// A whole sorted set.
    pub(super) async fn members(&self, key: &str) -> anyhow::Result<Members> {
        let members: Vec<(Vec<u8>, f64)> = self.connect().await?.zrange_withscores(key, 0, -1).await?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "scores are whole numbers below 2^53")]
        Ok(members.into_iter().map(|(member, score)| (member, score as u64)).collect())
    }

    /// Seconds that redis-cli takes to pipe these members into an empty server, a thousand in each ZADD as the waiting room writes them, and
    /// in the order of their scores, in which Redis takes them fastest.
    pub(super) async fn pipe(&self, members: &Members) -> anyhow::Result<f64> {
        let commands: Vec<u8> = members.chunks(CHUNK).flat_map(|chunk| zadd("piped", chunk)).collect();
        let _: () = cmd("FLUSHALL").arg("SYNC").query_async(&mut self.connect().await?).await?;
        let begun = Instant::now();
        let mut cli = Command::new("redis-cli")
            .args(["-p", &self.port.to_string(), "--pipe"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("start redis-cli: `cargo xtask install` installs it")?;
        let mut input = cli.stdin.take().context("redis-cli has no input")?;
        input.write_all(&commands).await?;
        drop(input);
        let output = cli.wait_with_output().await?;
        let took = begun.elapsed().as_secs_f64();
        ensure!(output.status.success(), "redis-cli ended with {}: {}", output.status, String::from_utf8_lossy(&output.stdout));
        let piped: usize = self.connect().await?.zcard("piped").await?;
        ensure!(piped == members.len(), "redis-cli put {piped} of {} members", members.len());
        Ok(took)
    }
}

/// A connection that waits for every answer: a line of a million is one, too.
pub(super) async fn connect(url: &str) -> anyhow::Result<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    Ok(Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await?)
}

/// What `INFO` says of one thing.
fn number(info: &str, name: &str) -> anyhow::Result<u64> {
    let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|number| number.trim().parse().ok()).with_context(|| format!("Redis does not say its {name}"))
}

/// One command in Redis's own words.
fn zadd(key: &str, members: &[(Vec<u8>, u64)]) -> Vec<u8> {
    let mut words: Vec<&[u8]> = vec![b"ZADD", key.as_bytes()];
    let scores: Vec<String> = members.iter().map(|(_, score)| score.to_string()).collect();
    for ((member, _), score) in members.iter().zip(&scores) {
        words.extend([score.as_bytes(), member]);
    }
    let mut command = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        command.extend(format!("${}\r\n", word.len()).into_bytes());
        command.extend(word);
        command.extend(b"\r\n");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_by_its_whole_name() {
        let info = "# Memory\r\nused_memory_rss:9\r\nused_memory:7\r\n";
        assert_eq!(number(info, "used_memory").unwrap(), 7);
        assert!(number(info, "used").is_err());
    }

    #[test]
    fn a_command_is_said_as_redis_reads_it() {
        let said = zadd("k", &[(b"\r\n".to_vec(), 7), (b"b".to_vec(), 1 << 52)]);
        assert_eq!(said, b"*6\r\n$4\r\nZADD\r\n$1\r\nk\r\n$1\r\n7\r\n$2\r\n\r\n\r\n$16\r\n4503599627370496\r\n$1\r\nb\r\n");
    }
}

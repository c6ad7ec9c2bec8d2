//! Servers that forget, die, raise an alarm or throw everybody out. Only what this run has started itself is touched.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use goticket_testkit::Server;
use sqlx::{Connection as _, PgConnection};
use tokio::time::{Instant, sleep};

use super::kind::Scarce;
use crate::cast::Cast;

/// How long the broker may take to raise an alarm, or to end it.
const ALARM: Duration = Duration::from_secs(10);
/// How long a server that cannot write may live on.
const FULL_DISK: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(100);

/// An alarm that is not ended would be one for the rest of the run.
const END_TRIES: u32 = 10;

impl Scarce {
    /// What `rabbitmqctl` is told to raise the alarm, and to end it. The second ones are the broker's own defaults.
    fn orders(self) -> [[&'static str; 2]; 2] {
        match self {
            Self::Memory => [["set_vm_memory_high_watermark", "0.00001"], ["set_vm_memory_high_watermark", "0.4"]],
            Self::Disk => [["set_disk_free_limit", "100000GB"], ["set_disk_free_limit", "50MB"]],
        }
    }
}

/// FLUSHALL, and every script.
pub(super) async fn flush_redis(cast: &Cast) -> anyhow::Result<String> {
    ensure!(cast.stack.lock().await.owns(Server::Redis), "this Redis is not the run's own");
    let client = redis::Client::open(cast.redis_url.as_str())?;
    let mut redis = client.get_multiplexed_async_connection().await?;
    let before: u64 = redis::cmd("DBSIZE").query_async(&mut redis).await?;
    let () = redis::cmd("FLUSHALL").query_async(&mut redis).await?;
    let () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut redis).await?;
    ensure!(before > 0, "there was nothing to forget");
    Ok(format!("{before} keys forgotten"))
}

/// Kills the server; after `dead` it is started again and waited for.
pub(super) async fn restart(cast: &Cast, server: Server, dead: Duration) -> anyhow::Result<String> {
    let mut stack = cast.stack.lock().await;
    let begun = Instant::now();
    let id = stack.kill(server)?;
    sleep(dead).await;
    stack.start_again(server).await?;
    Ok(format!("{} (process {id}) died and was back after {:.1} s", server.name(), begun.elapsed().as_secs_f32()))
}

/// Every write of the server fails until it gives up; after `dead` it is started again, with room on its disk.
pub(super) async fn fill_disk(cast: &Cast, server: Server, dead: Duration) -> anyhow::Result<String> {
    let mut stack = cast.stack.lock().await;
    let begun = Instant::now();
    let gave_up = stack.fill_disk(server, FULL_DISK).await;
    if gave_up.is_err() {
        stack.kill(server)?;
    }
    sleep(dead).await;
    stack.start_again(server).await?;
    let id = gave_up?;
    Ok(format!("{} (process {id}) gave up and was back after {:.1} s", server.name(), begun.elapsed().as_secs_f32()))
}

/// The broker believes that it runs out of something.
pub(super) async fn alarm(cast: &Cast, scarce: Scarce, lasts: Duration) -> anyhow::Result<String> {
    let [raise, end] = scarce.orders();
    let raised = async {
        rabbitmqctl(cast, &raise).await?;
        until_calm(cast, false).await
    };
    let raised = raised.await;
    sleep(lasts).await;
    let mut tries = 0;
    while let Err(error) = rabbitmqctl(cast, &end).await {
        tries += 1;
        ensure!(tries < END_TRIES, "the alarm cannot be ended: {error:#}");
        sleep(ALARM / END_TRIES).await;
    }
    until_calm(cast, true).await?;
    raised?;
    Ok(format!("{scarce:?} alarm raised and ended").to_lowercase())
}

async fn rabbitmqctl(cast: &Cast, args: &[&str]) -> anyhow::Result<()> {
    let mut command = cast.stack.lock().await.rabbitmqctl(args)?;
    let done = command.output().await?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "rabbitmqctl {}: {}", args.join(" "), said.lines().next().unwrap_or_default());
    Ok(())
}

/// Waits until the broker says that there is an alarm, or none.
async fn until_calm(cast: &Cast, calm: bool) -> anyhow::Result<()> {
    let url = format!("{}/api/health/checks/alarms", cast.stack.lock().await.amqp_management_url()?);
    let begun = Instant::now();
    loop {
        let answer = reqwest::get(&url).await?;
        if answer.status().is_success() == calm {
            return Ok(());
        }
        ensure!(begun.elapsed() < ALARM, "the broker's alarms are not as they were ordered after {} s", ALARM.as_secs());
        sleep(LOOK).await;
    }
}

/// PostgreSQL ends every connection to the deployment's database, as an administrator can.
pub(super) async fn terminate_backends(cast: &Cast) -> anyhow::Result<String> {
    const TERMINATE: &str = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
                              WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let mut connection = PgConnection::connect(&cast.postgres_url).await.context("connect to PostgreSQL")?;
    let ended: i64 = sqlx::query_scalar(TERMINATE).fetch_one(&mut connection).await?;
    connection.close().await?;
    ensure!(ended > 0, "there was no connection to end");
    Ok(format!("{ended} backends terminated"))
}

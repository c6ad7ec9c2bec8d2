//! `tick_1000_rooms`: what a process of its own spends on a thousand open rooms, all idle but one, in which fans wait and are admitted.

use std::{fs, time::Duration};

use anyhow::{Context as _, ensure};
use goticket_domain::queue::RoomSettings;
use goticket_testkit::{Deployment, TestBed};
use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use super::{Measured, rooms};

const ROOMS: usize = 1_000;
const ROLE: &str = "admission";

/// The hot room: fans enough for any run, and turns in every tick.
const WAITING: usize = 20_000;
const RATE_PER_MIN: u32 = 1_200;

/// How long the rooms may take to open, a lobby drawn in each.
const OPEN: Duration = Duration::from_mins(5);
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// What follows from the opening is over by then.
const SETTLE: Duration = Duration::from_secs(5);

/// `/proc/PID/stat` counts in hundredths of a second, on every architecture.
const CLOCK_TICKS: f64 = 100.0;

pub(super) async fn run(bed: TestBed, for_: Duration) -> anyhow::Result<Measured> {
    let mut deployment = Deployment::prepare(bed, Deployment::binary()?).await?;
    let pool = PgPool::connect(&deployment.bed.postgres_url).await?;
    let settings = RoomSettings { rate_per_min: RATE_PER_MIN, active_cap: 1_000_000, ..RoomSettings::default() };
    let events = rooms::publish(&pool, ROOMS, &settings).await?;
    deployment.start(ROLE)?;
    let begun = Instant::now();
    while usize::try_from(rooms::open(&pool).await?)? < ROOMS {
        ensure!(begun.elapsed() < OPEN, "the rooms do not open: {} did", rooms::open(&pool).await?);
        deployment.all_alive()?;
        sleep(LOOK_AGAIN).await;
    }
    let opened = begun.elapsed();
    let hot = *events.first().context("no room")?;
    rooms::join(&pool, hot, WAITING).await?;
    sleep(SETTLE).await;

    let (process, before) = (deployment.process_id(ROLE)?, admitted(&pool).await?);
    let (spent, from) = (cpu_seconds(process)?, Instant::now());
    sleep(for_).await;
    let (spent, elapsed) = (cpu_seconds(process)? - spent, from.elapsed().as_secs_f64());
    let turns = admitted(&pool).await? - before;
    ensure!(turns > 0, "no one was admitted: nothing was hot");
    deployment.stop().await?;
    let note = format!("all opened and drawn within {:.1} s; {turns} admitted meanwhile", opened.as_secs_f64());
    Ok(Measured { value: spent / elapsed, note })
}

async fn admitted(pool: &PgPool) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("SELECT sum(admitted)::bigint FROM queue_heads").fetch_one(pool).await?)
}

/// What the process has spent so far, on all its threads.
fn cpu_seconds(process: u32) -> anyhow::Result<f64> {
    let file = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
    parse(&stat).with_context(|| format!("{file} cannot be read"))
}

/// User and system time are the 14th and 15th field; the second is a name in brackets, with anything in it.
fn parse(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / CLOCK_TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "77 (a ) b) S 1 77 77 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 12345 1000 200\n";
        assert_eq!(parse(stat), Some(3.0));
        assert_eq!(parse("77"), None);
    }
}

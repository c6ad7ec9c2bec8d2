//! `tick_1000_rooms`: what a process of its own spends on a thousand open rooms, all idle but one, in which fans wait and are admitted.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use goticket_domain::queue::RoomSettings;
use goticket_testkit::Deployment;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use super::{
    Ground, Measured, processor,
    rooms::{self, Onsale},
};

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

pub(super) async fn run(ground: Ground) -> anyhow::Result<Measured> {
    let mut deployment = Deployment::prepare(ground.bed, Deployment::binary()?).await?;
    let pool = PgPool::connect(&deployment.bed.postgres_url).await?;
    let settings = RoomSettings { rate_per_min: RATE_PER_MIN, active_cap: 1_000_000, ..RoomSettings::default() };
    let events = rooms::publish(&pool, ROOMS, &settings, Onsale::HasBegun).await?;
    deployment.start(ROLE)?;
    let begun = Instant::now();
    while usize::try_from(rooms::open(&pool).await?)? < ROOMS {
        ensure!(begun.elapsed() < OPEN, "the rooms do not open: {} did", rooms::open(&pool).await?);
        deployment.all_alive()?;
        sleep(LOOK_AGAIN).await;
    }
    let opened = begun.elapsed();
    let hot = *events.first().context("no room")?;
    rooms::join(&pool, hot, &rooms::strangers(WAITING)).await?;
    sleep(SETTLE).await;

    let (process, before) = (deployment.process_id(ROLE)?, admitted(&pool).await?);
    let (spent, from) = (processor::seconds(process)?, Instant::now());
    sleep(ground.for_).await;
    let (spent, elapsed) = (processor::seconds(process)? - spent, from.elapsed().as_secs_f64());
    let turns = admitted(&pool).await? - before;
    ensure!(turns > 0, "no one was admitted: nothing was hot");
    deployment.stop().await?;
    let note = format!("all opened and drawn within {:.1} s; {turns} admitted meanwhile", opened.as_secs_f64());
    Ok(Measured::of(spent / elapsed, note))
}

async fn admitted(pool: &PgPool) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("SELECT sum(admitted)::bigint FROM queue_heads").fetch_one(pool).await?)
}

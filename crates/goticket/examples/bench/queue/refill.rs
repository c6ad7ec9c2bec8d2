//! `refill_1m`: Redis loses everything while a million wait; how long until the next of them is admitted.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::{EventId, queue::RoomSettings};
use goticket_storage::queue_log;
use redis::{AsyncCommands as _, cmd};
use tokio::time::{Instant, sleep};

use super::{Ground, Measured, own_redis::OwnRedis, rooms::Onsale, world::World};

/// Nearly every tick admits someone.
fn settings() -> RoomSettings {
    RoomSettings { rate_per_min: 600, active_cap: 1_000_000, ..RoomSettings::default() }
}

const LOOK_AGAIN: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_mins(2);

pub(super) async fn run(mut ground: Ground) -> anyhow::Result<Measured> {
    let own = OwnRedis::start().await?;
    ground.bed.redis_url.clone_from(&own.url);
    let mut world = World::start(ground.bed, 1, &settings(), Onsale::HasBegun).await?;
    let event = world.events[0];
    world.queue_up(event, ground.fans).await?;
    let members = own.members(&world.key(event, EventKeys::line)).await?;
    let took = lose_everything(&mut world, event).await?;
    let left: usize = world.redis.zcard(world.key(event, EventKeys::line)).await?;
    ensure!(left > ground.fans * 9 / 10, "the line has {left} places");
    world.deployment.stop().await?;
    let piped = own.pipe(&members).await?;
    Ok(Measured::of(took, format!("{} waited, {left} are left", members.len())).against(piped))
}

/// Seconds from the loss to an admission that was decided after it.
async fn lose_everything(world: &mut World, event: EventId) -> anyhow::Result<f64> {
    let (key, mut redis) = (world.key(event, EventKeys::room), world.redis.clone());
    let begun = Instant::now();
    let _: () = cmd("FLUSHALL").arg("ASYNC").query_async(&mut redis).await?;
    let mut before = None;
    loop {
        let filled: bool = redis.exists(&key).await?;
        let admitted = queue_log::head(&world.pool, event).await?.context("the room has no log")?.admitted;
        match before {
            Some(before) if filled && admitted > before => return Ok(begun.elapsed().as_secs_f64()),
            // Decided before the loss, and written down after it.
            _ if !filled => before = Some(admitted),
            _ => {}
        }
        ensure!(begun.elapsed() < PATIENCE, "no one is admitted; the logs:\n{}", world.deployment.logs());
        sleep(LOOK_AGAIN).await;
    }
}

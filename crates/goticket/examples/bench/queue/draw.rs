//! `draw_1m`: a lobby of a million is drawn; how long until all of them stand in line.

use std::time::Duration;

use anyhow::ensure;
use goticket_contracts::redis_keys::EventKeys;
use redis::AsyncCommands as _;
use tokio::time::{Instant, sleep};

use super::{
    Ground, Measured,
    own_redis::OwnRedis,
    rooms::{self, Onsale},
    world::{World, standing_still},
};

const LOOK_AGAIN: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_mins(5);

pub(super) async fn run(mut ground: Ground) -> anyhow::Result<Measured> {
    let own = OwnRedis::start().await?;
    ground.bed.redis_url.clone_from(&own.url);
    let mut world = World::start(ground.bed, 1, &standing_still(), Onsale::IsAhead).await?;
    let event = world.events[0];
    world.queue_up(event, ground.fans).await?;
    let (line, room) = (world.key(event, EventKeys::line), world.key(event, EventKeys::room));
    let mut redis = world.redis.clone();
    let in_lobby: usize = redis.zcard(world.key(event, EventKeys::lobby)).await?;
    ensure!(in_lobby == ground.fans, "{in_lobby} of {} are in the lobby", ground.fans);

    let begun = Instant::now();
    rooms::begin(&world.pool, event).await?;
    // The scores stand in line before the draw is taken over; only then anyone is admitted.
    loop {
        let (phase, drawn): (Option<String>, usize) = (redis.hget(&room, "phase").await?, redis.zcard(&line).await?);
        if phase.as_deref() == Some("drawn") && drawn == ground.fans {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "{drawn} are in line, {phase:?}; the logs:\n{}", world.deployment.logs());
        sleep(LOOK_AGAIN).await;
    }
    let took = begun.elapsed().as_secs_f64();
    world.until_state(event, "open").await?;
    let members = own.members(&line).await?;
    world.deployment.stop().await?;
    let piped = own.pipe(&members).await?;
    Ok(Measured::of(took, format!("{} drawn", members.len())).against(piped))
}

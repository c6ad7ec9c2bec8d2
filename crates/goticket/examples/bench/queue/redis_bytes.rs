//! `redis_bytes_per_fan`: what Redis spends on a fan who waits.

use super::{
    Ground, Measured,
    own_redis::OwnRedis,
    rooms::Onsale,
    world::{World, standing_still},
};
use crate::rates::count;

pub(super) async fn run(mut ground: Ground) -> anyhow::Result<Measured> {
    let own = OwnRedis::start().await?;
    ground.bed.redis_url.clone_from(&own.url);
    let mut world = World::start(ground.bed, 1, &standing_still(), Onsale::HasBegun).await?;
    let event = world.events[0];
    world.until_taken_over(event).await?;
    let before = own.used_memory().await?;
    world.queue_up(event, ground.fans).await?;
    let after = own.used_memory().await?;
    world.deployment.stop().await?;
    let grown = count(after.saturating_sub(before));
    let note = format!("used_memory grows by {:.0} MiB for {} in line", grown / 1_048_576.0, ground.fans);
    Ok(Measured::of(grown / count(ground.fans as u64), note))
}

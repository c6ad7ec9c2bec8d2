//! `others_join_p99`: how long joins of a thousand rooms take while one of them is rushed, against the same joins in quiet.
//!
//! The rush is half of what the hot room takes beside them: at all that the machine bears everything would wait, whatever rooms do to each
//! other.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use goticket_domain::queue::RoomSettings;

use super::{
    Ground, Measured,
    drive::{Crowd, Pace},
    joins::joining,
    rooms::Onsale,
    world::World,
};

const ROOMS: usize = 1_000;

/// Into all rooms but one, together: each of them is joined some times in a run.
const OTHERS_PER_SECOND: u32 = 200;
const OTHERS_CONNECTIONS: usize = 64;

/// The rush, and how much of what the hot room takes at most, while others are joined, comes there.
const HOT_CONNECTIONS: usize = 256;
const HOT_PART: f64 = 0.5;
/// More than any machine we dream of takes.
const HOT_PER_SECOND_MAX: usize = 10_000;

/// Every room is joined once before the clock starts: the first join of a room takes longer.
const ALL_JOINED: Duration = Duration::from_secs(ROOMS as u64 / OTHERS_PER_SECOND as u64 + 1);
/// For the peak, and before the clock of the rush starts.
const PEAK: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_secs(1);

/// So much of the rush must be borne, or it was none.
const BORNE_MIN: f64 = 0.95;

pub(super) async fn run(ground: Ground) -> anyhow::Result<Measured> {
    let mut world = World::start(ground.bed, ROOMS, &RoomSettings::default(), Onsale::HasBegun).await?;
    let gateway = world.open_gateway().await?;
    let (hot, others) = world.events.split_first().context("no room")?;
    let seconds = usize::try_from((ground.for_ + ALL_JOINED + PEAK + WARM_UP).as_secs())?;
    let rush = joining(&world, &[*hot], HOT_PER_SECOND_MAX * seconds)?;
    let calm = joining(&world, others, OTHERS_PER_SECOND as usize * 2 * seconds)?;

    let mut fans = Crowd::gather(gateway, OTHERS_CONNECTIONS).await?;
    let pace = Pace::Evenly(OTHERS_PER_SECOND.into());
    fans.ask(&calm, pace, ALL_JOINED).await?;
    let quiet = fans.ask(&calm, pace, ground.for_).await?;

    let mut crowd = Crowd::gather(gateway, HOT_CONNECTIONS).await?;
    let (peak, _) = tokio::try_join!(crowd.ask(&rush, Pace::Closed, PEAK), fans.ask(&calm, pace, PEAK))?;
    let peak = peak.per_second();
    let rushing = Pace::Evenly(peak * HOT_PART);
    // What the peak has left behind is over after this.
    tokio::try_join!(crowd.ask(&rush, rushing, WARM_UP), fans.ask(&calm, pace, WARM_UP))?;
    let (rushed, beside) = tokio::try_join!(crowd.ask(&rush, rushing, ground.for_), fans.ask(&calm, pace, ground.for_))?;
    world.deployment.stop().await?;

    ensure!(
        rushed.per_second() >= BORNE_MIN * peak * HOT_PART,
        "{:.0}/s of the rush were borne, of {peak:.0} at most",
        rushed.per_second()
    );
    let note = format!(
        "{OTHERS_PER_SECOND} joins/s in {} rooms: {}; beside {:.0}/s in one, of {peak:.0} at most beside them: {}",
        ROOMS - 1,
        quiet.took.summary(),
        rushed.per_second(),
        beside.took.summary(),
    );
    let value = beside.took.ms_at(99.0).context("no one joined beside the rush")?;
    let limit = quiet.took.ms_at(99.0).context("no one joined in quiet")?;
    let flaws = [quiet.flaws(), beside.flaws(), rushed.flaws()].concat();
    Ok(Measured { flaws, ..Measured::of(value, note).against(limit) })
}

//! Joins, each of a new account with an access token of its own, durable before they are answered: per second against a handler that does
//! nothing, and what one costs when many more stand in line.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use goticket_domain::{AccountId, EventId, identity::Role, queue::RoomSettings};
use http::{Method, StatusCode, header};
use uuid::Uuid;

use super::{
    Ground, Measured,
    drive::{Ask, Crowd, Pace},
    polls::against_bare,
    rooms::Onsale,
    world::{World, standing_still},
};

/// They wait for a commit, which many share.
const CONNECTIONS: usize = 256;

/// More than any machine we dream of takes, and those before the clock starts.
const FANS_PER_SECOND: usize = 10_000;
const WARM_UP: Duration = Duration::from_secs(1);

/// Who stands in line already, of a million.
const LINE_PART: usize = 10;

/// Fans in the short line that is compared, and how often both are joined in turns.
const SHORT: usize = 10_000;
const TURNS: u32 = 2;

/// `joins`
pub(super) async fn rate(ground: Ground) -> anyhow::Result<Measured> {
    let mut world = World::start(ground.bed, 1, &RoomSettings::default(), Onsale::HasBegun).await?;
    let event = world.events[0];
    world.queue_up(event, ground.fans / LINE_PART).await?;
    let gateway = world.open_gateway().await?;
    let ask = joining(&world, &[event], enough(ground.for_))?;
    let measured = against_bare(&world, gateway, &ask, CONNECTIONS, ground.for_).await?;
    world.deployment.stop().await?;
    Ok(measured)
}

/// `join_cost_growth`: time per join, a million in line, against ten thousand.
pub(super) async fn growth(ground: Ground) -> anyhow::Result<Measured> {
    let mut world = World::start(ground.bed, 2, &standing_still(), Onsale::HasBegun).await?;
    let mut asks = Vec::new();
    for (event, fans) in world.events.clone().into_iter().zip([SHORT, ground.fans]) {
        world.queue_up(event, fans).await?;
        asks.push(joining(&world, &[event], enough(ground.for_))?);
    }
    let mut crowd = Crowd::gather(world.open_gateway().await?, CONNECTIONS).await?;
    let (mut costs, mut flaws) = ([const { Vec::new() }; 2], Vec::new());
    for _ in 0..TURNS {
        for (ask, costs) in asks.iter().zip(&mut costs) {
            crowd.ask(ask, Pace::Closed, WARM_UP).await?;
            let driven = crowd.ask(ask, Pace::Closed, ground.for_ / TURNS).await?;
            costs.push(driven.us_each());
            flaws.extend(driven.flaws());
        }
    }
    world.deployment.stop().await?;
    let shown = |costs: &[f64]| costs.iter().map(|us| format!("{us:.0}")).collect::<Vec<_>>().join(", ");
    let note = format!("in turns: {} µs in the long line, {} in the short one", shown(&costs[1]), shown(&costs[0]));
    let [short, long] = costs.map(|costs| costs.iter().sum::<f64>() / f64::from(TURNS));
    Ok(Measured { flaws, ..Measured::of(long, note).against(short) })
}

/// Fans enough for a run.
fn enough(for_: Duration) -> usize {
    FANS_PER_SECOND * usize::try_from((for_ + TURNS * WARM_UP).as_secs()).unwrap_or(usize::MAX)
}

/// So many fans who stand in no line yet, each of whom joins one of these rooms.
pub(super) fn joining(world: &World, events: &[EventId], fans: usize) -> anyhow::Result<Arc<Ask>> {
    let accounts: Vec<AccountId> = (0..fans).map(|_| AccountId(Uuid::now_v7())).collect();
    let tokens = world.access_tokens(&accounts, Role::User)?;
    let (first, further) = events.split_first().context("no room to join")?;
    let mut ask = world.ask(Method::POST, *first, "")?.expecting(StatusCode::CREATED).once_each();
    for event in further {
        ask = ask.or(&world.ask(Method::POST, *event, "")?);
    }
    Ok(Arc::new(ask.showing(header::AUTHORIZATION, tokens)))
}

//! What is read by everyone who waits, against a handler that does nothing: a place and a board per second, and what a poll costs when
//! many more wait.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use goticket_domain::queue::RoomSettings;
use goticket_testkit::TestBed;
use http::Method;

use super::{
    Ground, Measured,
    drive::{Ask, Crowd, Driven, Pace},
    processor,
    rooms::Onsale,
    world::{Fans, GATEWAY, World, standing_still},
};
use crate::{bare::Bare, client::Client, rates::count};

/// Keeps two cores busy with requests of some ten microseconds.
const CONNECTIONS: usize = 64;

/// Before the clock starts.
const WARM_UP: Duration = Duration::from_secs(1);

/// Fans in line, of a million.
const LINE_PART: usize = 10;

/// Place tickets signed beforehand: more than there are polls in a run of usual length, so that each is another fan's.
const TICKETS: usize = 300_000;

/// Fans in the lines that are compared.
const SHORT: usize = 10_000;
const LONG_TIMES: usize = 5;

/// The lines are polled in turns, so that a slow second of the machine does not fall on one of them.
const TURNS: u32 = 2;

/// `place_polls`
pub(super) async fn places(ground: Ground) -> anyhow::Result<Measured> {
    let (mut world, fans) = open_room(ground.bed, ground.fans / LINE_PART).await?;
    let (name, tickets) = world.place_tickets(&fans, TICKETS)?;
    let ask = Arc::new(world.ask(Method::GET, world.events[0], "/place")?.showing(name, tickets));
    let gateway = world.open_gateway().await?;
    let measured = against_bare(&world, gateway, &ask, CONNECTIONS, ground.for_).await?;
    world.deployment.stop().await?;
    Ok(measured)
}

/// `board`
pub(super) async fn boards(ground: Ground) -> anyhow::Result<Measured> {
    let (mut world, _) = open_room(ground.bed, ground.fans / LINE_PART).await?;
    let ask = Arc::new(world.ask(Method::GET, world.events[0], "/board")?);
    let gateway = world.open_gateway().await?;
    let measured = against_bare(&world, gateway, &ask, CONNECTIONS, ground.for_).await?;
    world.deployment.stop().await?;
    Ok(measured)
}

/// A room in which fans are admitted, and the others wait.
async fn open_room(bed: TestBed, fans: usize) -> anyhow::Result<(World, Fans)> {
    let mut world = World::start(bed, 1, &RoomSettings::default(), Onsale::HasBegun).await?;
    let fans = world.queue_up(world.events[0], fans).await?;
    Ok((world, fans))
}

/// Asks a handler that does nothing, and then the gateway, the same.
pub(super) async fn against_bare(
    world: &World,
    gateway: SocketAddr,
    ask: &Arc<Ask>,
    connections: usize,
    for_: Duration,
) -> anyhow::Result<Measured> {
    let body = ask.answer(&mut Client::connect(gateway).await?).await?.context("no one can ask")?;
    let bare = Bare::start(body.len()).await?;
    let limit = Cost::measure(bare.address, bare.process_id()?, &ask.to_bare(), connections, for_).await?;
    drop(bare);
    let own = Cost::measure(gateway, world.deployment.process_id(GATEWAY)?, ask, connections, for_).await?;
    let note = format!(
        "{} bytes each; processor time of the gateway {:.1} µs each, of the bare handler {:.1}; {}, there {}",
        body.len(),
        own.us_each,
        limit.us_each,
        own.driven.took.summary(),
        limit.driven.took.summary()
    );
    Ok(Measured {
        value: own.driven.per_second(),
        limit: Some(limit.driven.per_second()),
        flaws: own.driven.flaws(),
        rates: vec![("the gateway", own.driven.rates), ("the bare handler", limit.driven.rates)],
        note,
    })
}

/// What was answered, and what the server's process spent on each answer.
struct Cost {
    driven: Driven,
    us_each: f64,
}

impl Cost {
    async fn measure(
        server: SocketAddr,
        process: u32,
        ask: &Arc<Ask>,
        connections: usize,
        for_: Duration,
    ) -> anyhow::Result<Self> {
        let mut crowd = Crowd::gather(server, connections).await?;
        crowd.ask(ask, Pace::Closed, WARM_UP).await?;
        let before = processor::seconds(process)?;
        let driven = crowd.ask(ask, Pace::Closed, for_).await?;
        let us_each = (processor::seconds(process)? - before) * 1e6 / count(driven.answered);
        Ok(Self { driven, us_each })
    }
}

/// `poll_cost_growth`: what the gateway's process spends on a poll, five million in line, against ten thousand.
pub(super) async fn growth(ground: Ground) -> anyhow::Result<Measured> {
    let mut world = World::start(ground.bed, 2, &standing_still(), Onsale::HasBegun).await?;
    let mut asks = Vec::new();
    for (event, fans) in world.events.clone().into_iter().zip([SHORT, LONG_TIMES * ground.fans]) {
        let fans = world.queue_up(event, fans).await?;
        let (name, tickets) = world.place_tickets(&fans, TICKETS)?;
        asks.push(Arc::new(world.ask(Method::GET, event, "/place")?.showing(name, tickets)));
    }
    let gateway = world.open_gateway().await?;
    let process = world.deployment.process_id(GATEWAY)?;
    let mut costs = [const { Vec::new() }; 2];
    let mut rates = Vec::new();
    for _ in 0..TURNS {
        for (ask, costs) in asks.iter().zip(&mut costs) {
            let cost = Cost::measure(gateway, process, ask, CONNECTIONS, ground.for_ / TURNS).await?;
            costs.push(cost.us_each);
            rates.push(cost.driven.per_second());
        }
    }
    ensure!(rates.iter().all(|rate| *rate > 0.0), "nothing was polled");
    world.deployment.stop().await?;
    let [short, long] = costs.map(|costs| costs.iter().sum::<f64>() / f64::from(TURNS));
    let note = format!(
        "polls/s, short and long in turns: {}",
        rates.iter().map(|rate| format!("{rate:.0}")).collect::<Vec<_>>().join(", ")
    );
    Ok(Measured::of(long, note).against(short))
}

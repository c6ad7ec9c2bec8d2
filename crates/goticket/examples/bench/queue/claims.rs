//! `claim_p99`: how long a fan waits for their entry token, against a round trip to Redis in the same seconds.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use goticket_domain::{
    identity::Role,
    queue::{RoomSettings, limits},
};
use goticket_storage::queue_log;
use http::{Method, header};
use redis::{aio::MultiplexedConnection, cmd};
use sqlx::{Executor as _, PgPool};
use tokio::time::{Instant, sleep_until};

use super::{
    Ground, Measured,
    drive::{Crowd, Pace},
    rooms::Onsale,
    world::World,
};
use crate::latency::Latencies;

/// As many as are admitted in a large sale that sells a hundred thousand seats within two minutes.
const CLAIMS_PER_SECOND: u32 = 1_000;

/// So much of it must be borne, or it is no answer to this load.
const BORNE_MIN: f64 = 0.95;

/// One of them is always free.
const CONNECTIONS: usize = 256;

/// Enough for a p99, and next to nothing beside the claims'.
const COMMITS_PER_SECOND: u32 = 100;

/// Before the clock starts.
const WARM_UP: Duration = Duration::from_secs(1);

/// As fast as a room admits, with time enough for every claim.
fn settings() -> RoomSettings {
    RoomSettings {
        rate_per_min: limits::MAX_RATE_PER_MIN,
        burst: limits::MAX_BURST,
        active_cap: limits::MAX_ACTIVE_CAP,
        claim_window_s: limits::MAX_CLAIM_WINDOW_S,
        session_s: limits::MAX_SESSION_S,
        ..RoomSettings::default()
    }
}

pub(super) async fn run(ground: Ground) -> anyhow::Result<Measured> {
    let mut world = World::start(ground.bed, 1, &settings(), Onsale::HasBegun).await?;
    let event = world.events[0];
    let number = CLAIMS_PER_SECOND as usize * usize::try_from((ground.for_ + 2 * WARM_UP).as_secs())?;
    let fans = world.queue_up(event, number).await?;
    let until = World::until();
    loop {
        let admitted = queue_log::head(&world.pool, event).await?.context("the room has no log")?.admitted;
        if usize::try_from(admitted)? >= number {
            break;
        }
        world.keep_waiting(until, || format!("{admitted} of {number} are admitted")).await?;
    }
    let gateway = world.open_gateway().await?;
    let (name, tickets) = world.place_tickets(&fans, number)?;
    let tokens = world.access_tokens(fans.accounts(), Role::User)?;
    let ask = world.ask(Method::POST, event, "/claim")?.once_each();
    let ask = Arc::new(ask.showing(name, tickets).showing(header::AUTHORIZATION, tokens));

    let mut crowd = Crowd::gather(gateway, CONNECTIONS).await?;
    let pace = Pace::Evenly(CLAIMS_PER_SECOND.into());
    crowd.ask(&ask, pace, WARM_UP).await?;
    let pings = tokio::spawn(ping(world.redis.clone(), ground.for_));
    let commits = tokio::spawn(commit(world.pool.clone(), ground.for_));
    let driven = crowd.ask(&ask, pace, ground.for_).await?;
    let (pings, commits) = (pings.await??, commits.await??);
    world.deployment.stop().await?;

    let note = format!(
        "{:.0} claims/s: {}; sent late {}; a PING {}; a commit of one row {}",
        driven.per_second(),
        driven.took.summary(),
        driven.late.summary(),
        pings.summary(),
        commits.summary()
    );
    let value = driven.took.ms_at(99.0).context("nothing was claimed")?;
    let limit = pings.ms_at(99.0).context("Redis did not answer")?;
    let mut flaws = driven.flaws();
    if driven.per_second() < BORNE_MIN * f64::from(CLAIMS_PER_SECOND) {
        flaws.push(format!("{:.0} claims/s were borne, of {CLAIMS_PER_SECOND}", driven.per_second()));
    }
    Ok(Measured { rates: vec![("claims", driven.rates)], flaws, ..Measured::of(value, note).against(limit) })
}

/// As many round trips as there are claims, one after the other.
async fn ping(mut redis: MultiplexedConnection, for_: Duration) -> anyhow::Result<Latencies> {
    let (begun, every, mut took) = (Instant::now(), Duration::from_secs(1) / CLAIMS_PER_SECOND, Vec::new());
    let mut due = begun;
    while begun.elapsed() < for_ {
        sleep_until(due).await;
        let sent = Instant::now();
        let _: String = cmd("PING").query_async(&mut redis).await?;
        took.push(sent.elapsed());
        due = Instant::now().max(due + every);
    }
    Ok(Latencies::of(took))
}

/// What a claim cannot be faster than: it is answered when it is durable.
async fn commit(pool: PgPool, for_: Duration) -> anyhow::Result<Latencies> {
    let mut db = pool.acquire().await?;
    db.execute("CREATE TABLE committed (n integer)").await?;
    let (begun, every, mut took) = (Instant::now(), Duration::from_secs(1) / COMMITS_PER_SECOND, Vec::new());
    let mut due = begun;
    while begun.elapsed() < for_ {
        sleep_until(due).await;
        let sent = Instant::now();
        db.execute("INSERT INTO committed VALUES (1)").await?;
        took.push(sent.elapsed());
        due = Instant::now().max(due + every);
    }
    Ok(Latencies::of(took))
}

//! Waiting rooms as they are run, a gateway and a replica of admission in real processes, and the fans who stand in line there.

use std::{net::SocketAddr, num::NonZeroUsize, thread, time::Duration};

use anyhow::{Context as _, ensure};
use goticket_contracts::redis_keys::EventKeys;
use goticket_domain::{
    AccountId, EventId,
    identity::Role,
    queue::{PlaceId, PlaceKind, PlaceTicket, RoomSettings},
};
use goticket_platform::config::{KeysConfig, load_from};
use goticket_storage::queue_log;
use goticket_testkit::{Deployment, TestBed};
use goticket_tokens::keys::KeyFolder;
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use jiff::Timestamp;
use redis::{AsyncCommands as _, aio::MultiplexedConnection};
use serde::Deserialize;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};
use url::Url;
use uuid::Uuid;

use super::{
    drive::Ask,
    own_redis,
    rooms::{self, Onsale},
};
use crate::client::Client;

pub(super) const ADMISSION: &str = "admission";
pub(super) const GATEWAY: &str = "gateway";

/// Longer than any run.
const TOKEN_LIFE: Duration = Duration::from_hours(2);

/// How long anything may take that is waited for, millions in line.
const PATIENCE: Duration = Duration::from_mins(5);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// No one is admitted: everybody waits.
pub(super) fn standing_still() -> RoomSettings {
    RoomSettings { rate_per_min: 0, ..RoomSettings::default() }
}

pub(super) struct World {
    pub deployment: Deployment,
    pub pool: PgPool,
    pub redis: MultiplexedConnection,
    /// Each has a waiting room.
    pub events: Vec<EventId>,
    keys: KeyFolder,
}

/// Fans who stand in one line, in the order in which they came.
pub(super) struct Fans {
    event: EventId,
    accounts: Vec<AccountId>,
    /// The log's entry of the first; none in a lobby.
    first: Option<u64>,
}

/// What the benchmark must know of the processes' settings.
#[derive(Deserialize)]
struct Settings {
    keys: KeysConfig,
}

/// What is read of a board.
#[derive(Deserialize)]
struct Shown {
    log: u64,
}

impl World {
    /// Starts a replica of admission in an empty bed, and waits until its rooms take fans.
    pub(super) async fn start(bed: TestBed, events: usize, settings: &RoomSettings, onsale: Onsale) -> anyhow::Result<Self> {
        let mut deployment = Deployment::prepare(bed, Deployment::binary()?).await?;
        let pool = PgPool::connect(&deployment.bed.postgres_url).await?;
        let redis = own_redis::connect(&deployment.bed.redis_url).await?;
        let Settings { keys } = load_from(None, deployment.env().iter().cloned()).context("the installation's settings")?;
        let events = rooms::publish(&pool, events, settings, onsale).await?;
        deployment.start(ADMISSION)?;
        let mut world = Self { deployment, pool, redis, events, keys: KeyFolder::at(keys.dir) };
        let state = if onsale == Onsale::HasBegun { "open" } else { "lobby" };
        for event in world.events.clone() {
            world.until_state(event, state).await?;
        }
        Ok(world)
    }

    pub(super) async fn until_state(&mut self, event: EventId, state: &str) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let query = sqlx::query_scalar("SELECT state FROM rooms WHERE event = $1").bind(event.0);
            let now: String = query.fetch_one(&self.pool).await?;
            if now == state {
                return Ok(());
            }
            self.keep_waiting(until, || format!("the room is {now}, not {state}")).await?;
        }
    }

    /// So many join, and Redis has taken them over when this returns.
    pub(super) async fn queue_up(&mut self, event: EventId, fans: usize) -> anyhow::Result<Fans> {
        let accounts: Vec<AccountId> = (0..fans).map(|_| AccountId(Uuid::now_v7())).collect();
        let event_key = self.keys.place()?.event_key(event);
        let places = on_all_cores(&accounts, |account| Ok(PlaceId::of(&event_key, *account)))?;
        let head = queue_log::head(&self.pool, event).await?.context("the room has no log")?;
        let first = rooms::join(&self.pool, event, &places).await?;
        self.until_taken_over(event).await?;
        Ok(Fans { event, accounts, first: head.closed_at.map(|_| first) })
    }

    /// Until Redis has the whole log.
    pub(super) async fn until_taken_over(&mut self, event: EventId) -> anyhow::Result<()> {
        let (key, until) = (self.key(event, EventKeys::room), Instant::now() + PATIENCE);
        loop {
            let size = queue_log::head(&self.pool, event).await?.context("the room has no log")?.size;
            let applied: Option<u64> = self.redis.hget(&key, "applied").await?;
            if applied.is_some_and(|applied| applied >= size) {
                return Ok(());
            }
            self.keep_waiting(until, || format!("Redis has {applied:?} of {size} entries")).await?;
        }
    }

    /// Starts a gateway, and waits until it shows every room as it is.
    pub(super) async fn open_gateway(&mut self) -> anyhow::Result<SocketAddr> {
        self.deployment.start(GATEWAY)?;
        self.deployment.ready().await?;
        let address =
            Url::parse(&self.deployment.base_url())?.socket_addrs(|| None)?.pop().context("the gateway has no address")?;
        let mut client = Client::connect(address).await?;
        for event in self.events.clone() {
            let size = queue_log::head(&self.pool, event).await?.context("the room has no log")?.size;
            let (board, until) = (self.ask(Method::GET, event, "/board")?, Instant::now() + PATIENCE);
            loop {
                // Until the first board has come the answer is another one.
                let shown = board.answer(&mut client).await.ok().flatten();
                let log = shown.and_then(|shown| serde_json::from_slice::<Shown>(&shown).ok()).map(|shown| shown.log);
                if log.is_some_and(|log| log >= size) {
                    break;
                }
                self.keep_waiting(until, || format!("the gateway's board has {log:?} of {size} entries")).await?;
            }
        }
        Ok(address)
    }

    /// A request to the room, `path` below its own.
    pub(super) fn ask(&self, method: Method, event: EventId, path: &str) -> anyhow::Result<Ask> {
        let uri = Uri::try_from(format!("/v1/events/{event}/queue{path}"))?;
        let host = HeaderValue::try_from(self.deployment.base_url().trim_start_matches("http://"))?;
        Ok(Ask::new(method, uri, host, StatusCode::OK))
    }

    pub(super) fn key(&self, event: EventId, key: impl FnOnce(&EventKeys) -> String) -> String {
        key(&EventKeys::new(&self.deployment.bed.redis_prefix, event))
    }

    /// What `number` of the fans show as their place tickets; they stand everywhere in the line.
    pub(super) fn place_tickets(&self, fans: &Fans, number: usize) -> anyhow::Result<(HeaderName, Vec<HeaderValue>)> {
        let (keys, issued_at_ms) = (self.keys.place()?, now().as_millisecond());
        let (event, event_key) = (fans.event, keys.event_key(fans.event));
        let values = on_all_cores(&spread(fans.accounts.len(), number), |at| {
            let account = fans.accounts[*at];
            let late = |first| PlaceKind::Late { sequence: first + *at as u64 };
            let kind = fans.first.map_or(PlaceKind::Lobby, late);
            let ticket = PlaceTicket { place: PlaceId::of(&event_key, account), event, account, kind, issued_at_ms };
            Ok(HeaderValue::try_from(keys.sign(&ticket))?)
        })?;
        Ok((HeaderName::from_static("place-ticket"), values))
    }

    /// What these accounts show as their access tokens.
    pub(super) fn access_tokens(&self, accounts: &[AccountId], role: Role) -> anyhow::Result<Vec<HeaderValue>> {
        let (signer, now) = (self.keys.access_signer()?, now());
        on_all_cores(accounts, |account| {
            let token = signer.issue(*account, role, Uuid::now_v7(), now, TOKEN_LIFE);
            Ok(HeaderValue::try_from(format!("Bearer {token}"))?)
        })
    }

    /// Waits a moment; an error where a process has ended, or it has taken too long.
    pub(super) async fn keep_waiting(&mut self, until: Instant, stands: impl FnOnce() -> String) -> anyhow::Result<()> {
        self.deployment.all_alive()?;
        ensure!(Instant::now() < until, "{} after {} s; the logs:\n{}", stands(), PATIENCE.as_secs(), self.deployment.logs());
        sleep(LOOK_AGAIN).await;
        Ok(())
    }

    pub(super) fn until() -> Instant {
        Instant::now() + PATIENCE
    }
}

impl Fans {
    pub(super) fn accounts(&self) -> &[AccountId] {
        &self.accounts
    }
}

/// Where `number` of so many fans stand, or all, evenly from the first on.
fn spread(fans: usize, number: usize) -> Vec<usize> {
    let number = number.min(fans);
    (0..number).map(|n| n * fans / number).collect()
}

#[expect(clippy::disallowed_methods, reason = "a composition root: tokens are signed now")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Computes something of each, in order.
fn on_all_cores<T: Sync, U: Send>(of: &[T], compute: impl Fn(&T) -> anyhow::Result<U> + Sync) -> anyhow::Result<Vec<U>> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (part, compute) = (of.len().div_ceil(threads).max(1), &compute);
    tokio::task::block_in_place(|| {
        thread::scope(|scope| {
            let parts: Vec<_> = of
                .chunks(part)
                .map(|part| scope.spawn(move || part.iter().map(compute).collect::<anyhow::Result<Vec<U>>>()))
                .collect();
            let mut all = Vec::with_capacity(of.len());
            for part in parts {
                all.extend(part.join().ok().context("a thread that computes panicked")??);
            }
            Ok(all)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_ask_stand_everywhere_in_the_line() {
        assert_eq!(spread(10, 5), [0, 2, 4, 6, 8]);
        assert_eq!(spread(5, 3), [0, 1, 3]);
        assert_eq!(spread(2, 7), [0, 1]);
        assert!(spread(0, 7).is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_computed_on_all_cores_comes_in_order() {
        let numbers: Vec<u32> = (0..101).collect();
        assert_eq!(on_all_cores(&numbers, |n| Ok(n + 1)).unwrap(), (1..102).collect::<Vec<_>>());
        assert!(
            on_all_cores(&numbers, |n| {
                ensure!(*n < 100);
                Ok(())
            })
            .is_err()
        );
        assert!(on_all_cores(&[], |n: &u32| Ok(*n)).unwrap().is_empty());
    }
}

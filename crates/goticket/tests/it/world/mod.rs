//! A small world for one test: GoTicket's processes on servers' corners of their own, an organizer, fans.

#![allow(unreachable_pub, reason = "a test binary has no outside")]

pub mod api;
mod clean;
pub mod fan;
mod mails;
pub mod onsale;
pub mod plans;
pub mod sale;
mod tables;

use std::path::PathBuf;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use goticket_testkit::{Deployment, TestBed};
use serde::Deserialize;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::{Semaphore, SemaphorePermit};

use self::api::Api;
use self::fan::Fan;
use self::onsale::{Event, Wish};

/// Everything in one process, the payment provider included.
pub const ONE_PROCESS: &[&str] = &["all,sandbox"];

/// Every role in a process of its own.
pub const ALL_APART: &[&str] =
    &["sandbox", "admission", "booking", "expiry", "relay", "notifier", "pdf", "mail", "payments", "gateway"];

/// Worlds at the same time: each is up to eleven processes, which have to do with the cores there are. One more, as one of them waits.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, usize::from) + 1));

/// A running deployment.
#[derive(Debug)]
pub struct World {
    pub deployment: Deployment,
    pub api: Api,
    /// The organizer's access token.
    pub organizer: String,
    /// The database, for what no client may see or do.
    pub db: PgPool,
    /// Events put on sale: each is audited in the end.
    events: Vec<String>,
    fans: u32,
    _place: SemaphorePermit<'static>,
}

#[derive(Deserialize)]
struct Minted {
    account: String,
    email: String,
    access_token: String,
}

impl World {
    /// A world with these processes.
    pub async fn of(processes: &[&str]) -> Self {
        Self::on(TestBed::new().await, processes, &[]).await
    }

    /// A world on a prepared bed, with settings of its own.
    pub async fn on(bed: TestBed, processes: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut world = Self::prepare(bed, settings).await;
        for roles in processes {
            world.deployment.start(roles).unwrap();
        }
        world.deployment.ready().await.unwrap();
        world
    }

    /// The same without any process yet.
    pub async fn prepare(bed: TestBed, settings: &[(&str, &str)]) -> Self {
        let place = PLACES.acquire().await.unwrap();
        let mut deployment = Deployment::prepare(bed, PathBuf::from(env!("CARGO_BIN_EXE_goticket"))).await.unwrap();
        for (name, value) in settings {
            deployment.set(name, *value);
        }
        let organizer = mint(&deployment, "organizer", "organizer", 1).await.remove(0).access_token;
        let db = PgPoolOptions::new().max_connections(2).connect_lazy(&deployment.bed.postgres_url).unwrap();
        Self { api: Api::new(deployment.base_url()), deployment, organizer, db, events: Vec::new(), fans: 0, _place: place }
    }

    /// What the gateway tells its operators.
    pub fn private(&self) -> Api {
        self.api.at(self.deployment.gateway_private_url().unwrap())
    }

    /// Puts an event on sale.
    pub async fn publish(&mut self, wish: &Wish) -> Event {
        let event = onsale::publish(&self.api, &self.organizer, wish).await;
        self.events.push(event.id.clone());
        event
    }

    /// Fans who have not joined yet.
    pub async fn fans(&mut self, event: &Event, count: u32) -> Vec<Fan> {
        self.fans += 1;
        let minted = mint(&self.deployment, &format!("fan{}", self.fans), "user", count).await;
        let fan = |minted: Minted| Fan {
            api: self.api.clone(),
            account: minted.account,
            email: minted.email,
            token: minted.access_token,
            event: event.id.clone(),
            place: String::new(),
            receipt: String::new(),
            entry: String::new(),
        };
        minted.into_iter().map(fan).collect()
    }

    /// Fans who have been let in.
    pub async fn shoppers(&mut self, event: &Event, count: u32) -> Vec<Fan> {
        let mut fans = self.fans(event, count).await;
        futures::future::join_all(fans.iter_mut().map(Fan::enter)).await;
        fans
    }

    /// One fan who has been let in.
    pub async fn shopper(&mut self, event: &Event) -> Fan {
        self.shoppers(event, 1).await.remove(0)
    }
}

async fn mint(deployment: &Deployment, name: &str, role: &str, count: u32) -> Vec<Minted> {
    let (count, domain) = (count.to_string(), &deployment.bed.mail_domain);
    let args = ["mint-tokens", "--name", name, "--domain", domain, "--role", role, "--count", &count, "--ttl-s", "86400"];
    let printed = deployment.command(&args).await.unwrap().stdout;
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

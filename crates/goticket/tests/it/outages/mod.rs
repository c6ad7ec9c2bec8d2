//! A server is away for twenty seconds in the middle of a sale, and fans keep asking. Whoever needs it is told to come back, nobody
//! else notices, no process ends or has to be started again, and afterwards the audit passes.

mod flapping;
mod servers;
mod wiped;

use std::time::{Duration, Instant};

use goticket_testkit::eventually;
use reqwest::StatusCode;
use serde_json::json;

use self::servers::{Server, behind};
use crate::world::World;
use crate::world::api::Call;
use crate::world::fan::{Fan, SOON, new_key};
use crate::world::onsale::Wish;
use crate::world::sale::Sale;

/// How long a server is away.
const AWAY: Duration = Duration::from_secs(20);

/// Between two looks of the test at the system; its fans ask more often.
const LOOK: Duration = Duration::from_millis(250);

/// Fans who buy all the time, and outcomes between the steps of the test.
const SHOPPERS: u32 = 10;
const SOME: usize = 20;

/// The processes: the gateway and the waiting room apart, so that an outage must be understood across a process boundary, too.
const PROCESSES: &[&str] = &["sandbox", "admission", "workers", "gateway"];

/// What an outage may cost.
struct Cost {
    /// What the gateway's `/readyz` calls the missing server; `None` where the gateway does not need it.
    named: Option<&'static str>,
    /// What the workers' `/readyz` calls it.
    named_by_workers: &'static str,
    /// Requests that cannot be answered without it.
    unavailable: &'static [Request],
    /// Requests for seats are still decided.
    sells: bool,
}

#[derive(Clone, Copy, Debug)]
enum Request {
    Join,
    Claim,
    Book,
    Login,
}

#[tokio::test]
async fn redis_away_for_20_seconds_stops_the_door_not_the_sale() {
    let unavailable = &[Request::Join, Request::Claim];
    outage(Server::Redis, Cost { named: Some("redis"), named_by_workers: "redis", unavailable, sells: true }).await;
}

#[tokio::test]
async fn rabbitmq_away_for_20_seconds_is_said_and_survived() {
    let unavailable = &[Request::Book];
    outage(Server::RabbitMq, Cost { named: Some("rabbitmq"), named_by_workers: "rabbitmq", unavailable, sells: false }).await;
}

#[tokio::test]
async fn kafka_away_for_20_seconds_does_not_stop_sales() {
    outage(Server::Kafka, Cost { named: None, named_by_workers: "kafka", unavailable: &[], sells: true }).await;
}

#[tokio::test]
async fn postgres_away_for_20_seconds_is_said_and_survived() {
    let unavailable = &[Request::Book, Request::Login];
    outage(Server::Postgres, Cost { named: Some("postgres"), named_by_workers: "postgres", unavailable, sells: false }).await;
}

#[tokio::test]
async fn the_mail_server_away_for_20_seconds_delays_mails_and_nothing_else() {
    outage(Server::Mail, Cost { named: None, named_by_workers: "smtp", unavailable: &[], sells: true }).await;
}

async fn outage(server: Server, cost: Cost) {
    let (bed, link) = behind(server).await;
    let mut world = World::on(bed, PROCESSES, &[]).await;
    let event = world.publish(&Wish::default()).await;
    let buying = world.fans(&event, SHOPPERS).await;
    let sale = Sale::begin_endless(&event, buying);
    let mut late = world.fans(&event, 3).await;
    late[1].join().await;
    late[2].enter().await;
    sale.until_decided(SOME).await;

    link.cut();
    let (decided, refusals) = (sale.decided(), world.api.unavailable());
    without(&world, &cost, &late).await;
    if cost.sells {
        assert!(sale.decided() >= decided + SOME, "only {} outcomes while it was away", sale.decided() - decided);
    }
    if cost.unavailable.is_empty() {
        assert_eq!(world.api.unavailable(), refusals, "fans were sent away, although nothing they need was missing");
    }
    world.deployment.all_alive().unwrap();
    link.restore();

    eventually("readiness", SOON, async || ready(&world).await.then_some(())).await;
    sale.until_decided(sale.decided() + SOME).await;
    late[0].enter().await;
    late[1].claim().await;
    let ledger = sale.end().await;
    world.assert_told_the_truth(&ledger).await;
    world.assert_clean().await;
}

/// The time without the server.
async fn without(world: &World, cost: &Cost, late: &[Fan]) {
    let cut = Instant::now();
    let mut looks = tokio::time::interval(LOOK);
    let (mut named, mut named_by_workers) = (false, false);
    while cut.elapsed() < AWAY {
        looks.tick().await;
        named_by_workers |= missing_to_workers(world, cost.named_by_workers).await;
        match cost.named {
            Some(name) => named |= missing(world, name).await,
            None => assert!(ready(world).await, "the gateway does not need it, but is not ready"),
        }
        for request in cost.unavailable.iter().filter(|_| named) {
            let answer = request.of(late).answer().await;
            let told = answer.status == StatusCode::SERVICE_UNAVAILABLE && answer.headers.contains_key("retry-after");
            assert!(told, "{request:?}: {} {}", answer.status, answer.body());
        }
    }
    assert!(named || cost.named.is_none(), "/readyz never said what is missing");
    assert!(named_by_workers, "the workers' /readyz never said what is missing");
}

impl Request {
    /// From a fan who has not joined, one who has, or one who is inside.
    fn of(self, late: &[Fan]) -> Call {
        match self {
            Self::Join => late[0].queue(reqwest::Method::POST, ""),
            Self::Claim => late[1].queue(reqwest::Method::POST, "/claim"),
            Self::Book => late[2].ask(&new_key(), &json!({ "seats": [0] })),
            Self::Login => {
                let who = json!({ "email": late[0].email, "password": "correct horse battery staple" });
                late[0].api.post("/v1/auth/login").json(&who)
            }
        }
    }
}

async fn ready(world: &World) -> bool {
    world.private().get("/readyz").answer().await.status == StatusCode::OK
}

/// Does `/readyz` say that exactly this one is missing?
async fn missing(world: &World, name: &str) -> bool {
    let report = world.private().get("/readyz").answer().await;
    let body = report.body();
    report.status == StatusCode::SERVICE_UNAVAILABLE && body["dependencies"][name]["ok"] == false
}

/// Do the workers say that it is missing?
async fn missing_to_workers(world: &World, name: &str) -> bool {
    let url = world.deployment.health_url("workers").unwrap();
    let Ok(report) = reqwest::get(format!("{url}/readyz")).await else { return false };
    report.json::<serde_json::Value>().await.is_ok_and(|body| body["dependencies"][name]["ok"] == false)
}

//! `onsale demo`: from an empty database to the verdict.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use goticket_testkit::{Deployment, Durability, Stack, TestBed};

use crate::api::Api;
use crate::fan::Story;
use crate::night::Night;
use crate::options::Demo;
use crate::report::Report;
use crate::stage::{self, Account, Onsale};
use crate::tally::Tally;
use crate::verdict::Verdict;
use crate::{crowd, verdict};

/// The roles, one process each line; what is killed half-way stands alone.
pub(crate) const PROCESSES: [&str; 5] = ["sandbox", "admission", "booking", "expiry,relay,notifier,pdf,mail,payments", "gateway"];
const KILLED: &str = "booking";

/// Shortest hold there is: seats of those who walk away come back while others still wait.
const HOLD_SECONDS: u32 = 30;

/// Seconds of lobby per thousand fans, on top of five: joining is not what the demo is about.
const LOBBY_S_PER_1000: u64 = 3;

/// Runs the demo; true where the verdict is good.
pub(crate) async fn run(options: Demo) -> anyhow::Result<bool> {
    let begun = Instant::now();
    println!("Starting PostgreSQL, Redis, RabbitMQ, Kafka and a mail server …");
    let stack = Stack::start(Durability::Durable).await?;
    let mut deployment = Deployment::prepare(TestBed::in_stack(&stack).await?, Deployment::binary()?).await?;
    println!("Starting GoTicket: {} …", PROCESSES.join(" | "));
    for roles in PROCESSES {
        deployment.start(roles)?;
    }
    deployment.ready().await?;

    let rate_per_min = options.rate_per_min.unwrap_or(options.fans.max(60));
    let plan = stage::plan(&deployment, &options.venue).await?;
    let walk_ins: Vec<String> =
        (0..crowd::WALK_INS.min(options.fans)).map(|n| format!("walk-in-{n}@{}", deployment.bed.mail_domain)).collect();
    let organizer = first(stage::accounts(&deployment, "organizer", "organizer", 1, None).await?)?;
    let accounts = match options.fans.saturating_sub(crowd::WALK_INS) {
        0 => Vec::new(),
        minted => stage::accounts(&deployment, "fan", "user", minted, None).await?,
    };
    let set = stage::Plan {
        lobby: Duration::from_secs(5 + LOBBY_S_PER_1000 * u64::from(options.fans) / 1_000),
        rate_per_min,
        hold_seconds: HOLD_SECONDS,
        active_cap: options.fans.max(1),
    };
    let quiet = Api::new(deployment.base_url(), Arc::new(Tally::hidden()))?;
    let onsale = stage::event(&quiet, &organizer, plan, set).await?;
    let setup = begun.elapsed();
    println!("\n  {}: {} seats, {} fans, {rate_per_min} admissions per minute", onsale.title, onsale.capacity, options.fans);
    println!("  {} of the fans register with a password first, the others have an account\n", walk_ins.len());

    let tally = Arc::new(Tally::new(options.fans.into(), onsale.capacity.into()));
    let api = Api::new(deployment.base_url(), Arc::clone(&tally))?;
    let night = Night { api, onsale: Arc::clone(&onsale), tally: Arc::clone(&tally), seed: options.seed };
    let attending = crowd::attend(&night, accounts, walk_ins);
    let (stories, killed) = sell(&mut deployment, &night, attending, &options).await?;
    tally.finish();
    let sale = onsale.start.elapsed();
    println!("\nEverybody has gone home. Waiting for the last mails, then the audit …");
    let verdict = verdict::reach(&deployment, &onsale.event, &stories).await?;
    deployment.stop().await?;

    let report = Report {
        setup_s: setup.as_secs_f64(),
        sale_s: sale.as_secs_f64(),
        wall_s: begun.elapsed().as_secs_f64(),
        ..report(&options, &onsale, &tally, &verdict, rate_per_min, killed, sale)
    };
    println!("{report}\n{}", verdict.audit_text);
    if let Some(file) = &options.report {
        std::fs::write(file, serde_json::to_vec_pretty(&report)?).with_context(|| format!("cannot write {}", file.display()))?;
    }
    println!("{}", if verdict.passes() { "A good night." } else { "THIS NIGHT WENT WRONG." });
    Ok(verdict.passes())
}

fn first(accounts: Vec<Account>) -> anyhow::Result<Account> {
    accounts.into_iter().next().context("no account was made")
}

/// The sale itself; half-way the booking worker is killed and replaced.
async fn sell(
    deployment: &mut Deployment,
    night: &Night,
    attending: impl Future<Output = Vec<Story>>,
    options: &Demo,
) -> anyhow::Result<(Vec<Story>, bool)> {
    let (tally, capacity) = (&night.tally, u64::from(night.onsale.capacity));
    tokio::pin!(attending);
    let mut watch = tokio::time::interval(Duration::from_millis(100));
    let mut killed = false;
    loop {
        tokio::select! {
            stories = &mut attending => return Ok((stories, killed)),
            _ = watch.tick() => {
                deployment.all_alive()?;
                let half_way = tally.seats_confirmed.get() * 2 >= capacity || tally.done.get() * 2 >= u64::from(options.fans);
                if half_way && !killed && !options.no_kill {
                    killed = true;
                    deployment.kill(KILLED).await?;
                    deployment.start(KILLED)?;
                    tally.held.say("— booking worker killed and replaced");
                }
            }
        }
    }
}

fn report(
    options: &Demo,
    onsale: &Onsale,
    tally: &Tally,
    verdict: &Verdict,
    rate_per_min: u32,
    worker_killed: bool,
    sale: Duration,
) -> Report {
    #[expect(clippy::cast_precision_loss, reason = "a count of a demo fits a double")]
    let confirmed_per_s = tally.confirmed.get() as f64 / sale.as_secs_f64().max(0.001);
    Report {
        event: onsale.title.clone(),
        fans: options.fans.into(),
        joined: tally.joined.get(),
        admitted: tally.admitted.get(),
        seats: verdict.audit.seats.capacity,
        held: tally.held.get(),
        confirmed: tally.confirmed.get(),
        seats_sold: verdict.audit.seats.sold,
        refused: tally.refusals(),
        oversold: verdict.oversold,
        undecided: verdict.undecided,
        events: verdict.audit.events_committed - verdict.audit.events_missing,
        events_missing: verdict.audit.events_missing,
        events_doubled: verdict.audit.events_doubled,
        mails: verdict.mails,
        mails_missing: verdict.mails_missing,
        mails_doubled: verdict.mails_doubled,
        audit_ok: verdict.audit.ok,
        faults: verdict.faults.clone(),
        worker_killed,
        requests_repeated: tally.repeats(),
        rate_per_min,
        confirmed_per_s,
        sold_out_s: tally.sold_out_after(onsale.start),
        sale_s: 0.0,
        setup_s: 0.0,
        wall_s: 0.0,
        latency_ms: tally.percentiles(),
    }
}

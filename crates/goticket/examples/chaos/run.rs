//! A run, from the empty stack to the verdict.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::cast::{Cast, LATE_WEBHOOK};
use crate::crowd::{Crowd, accounts_needed};
use crate::fan::{Fan, Hours};
use crate::faults::{self, Delivery};
use crate::history::History;
use crate::judge;
use crate::options::Options;
use crate::settle;
use crate::shop::Shop;
use crate::stage;
use crate::verdict::{Proof, Row, Verdict};
use crate::watch::{self, Watched};

/// How long after the sale a fan goes on with what was begun: faults end with the sale, and what they broke comes back.
const GRACE: Duration = Duration::from_secs(45);

/// After the last late webhook is due, it may take so long to arrive.
const WEBHOOK_ARRIVES: Duration = Duration::from_secs(5);

/// What the storm left behind.
struct Storm {
    fans: Vec<Fan>,
    delivered: Vec<Delivery>,
    watched: Watched,
}

/// Runs it all.
pub(crate) async fn run(options: &Options) -> anyhow::Result<Proof> {
    let planned = faults::plan(options.seed, options.seconds, &options.kinds());
    println!("Seed {}, {} s, {} faults planned.", options.seed, options.seconds, planned.len());
    println!("Starting PostgreSQL, Redis, RabbitMQ, Kafka, a mail server, and GoTicket as seven processes …");
    let history = History::new(options.history.as_deref())?;
    let cast = Arc::new(Cast::assemble().await?);
    let shop = Arc::new(Shop::new(cast.gateways.clone(), history)?);

    let storm = storm(&cast, &shop, options, planned).await?;
    let sale_over = Instant::now();
    println!("\nEverything is made well again; holds end, late payments arrive …");
    cast.restore().await?;
    sleep_until(sale_over + LATE_WEBHOOK + WEBHOOK_ARRIVES).await;
    settle::drained(&cast).await?;
    shop.begin_to_settle();
    let mut fans = storm.fans;
    println!("Every key once more, then the audit …");
    settle::replay_every_key(&shop, &mut fans).await?;
    let audit = settle::drained(&cast).await?;
    settle::look_at_every_booking(&shop, &mut fans).await?;
    let history = shop.history.all()?;
    let stopped = cast.deployment.lock().await.stop().await.err().map(|error| format!("{error:#}"));
    let errors = watch::errors_logged(&cast.deployment.lock().await.bed.objects_dir)?;

    let (mut rows, compared) = judge::judge(&history);
    rows.push(audit.row());
    rows.push(processes(storm.watched, stopped));
    rows.push(Row::check("no error is logged", "who is away is warned of; an error, or a panic, is a bug", errors));
    rows.extend(compared.minima(options));
    rows.push(delivered(&storm.delivered, options));
    Ok(tell(&Verdict(rows), options))
}

/// The sale and its faults.
async fn storm(cast: &Arc<Cast>, shop: &Arc<Shop>, options: &Options, planned: Vec<faults::Planned>) -> anyhow::Result<Storm> {
    let (organizer, accounts) = {
        let deployment = cast.deployment.lock().await;
        let count = accounts_needed(options.fans, options.seconds);
        let organizer = stage::accounts(&deployment, "organizer", "organizer", 1).await?;
        (organizer, stage::accounts(&deployment, "fan", "user", count).await?)
    };
    let organizer = organizer.first().context("no organizer was made")?;
    let (_, office) = &cast.gateways[0];
    let events = stage::events(office, organizer, options.events, options.seconds).await?;
    let events: Vec<_> = events.into_iter().map(Arc::new).collect();

    let crowd = Crowd::gather(shop, accounts, &events, options.seed, options.fans as usize);
    crowd.first_inside().await?;
    let opens = Instant::now();
    let closes = opens + Duration::from_secs(options.seconds);
    crowd.open(Hours { opens, closes, lights_out: closes + GRACE });
    println!("The sale has begun.\n");

    let over = CancellationToken::new();
    let watching = {
        let (cast, over) = (Arc::clone(cast), over.clone());
        tokio::spawn(async move { watch::orchestrate(&cast, &over).await })
    };
    let telling = {
        let (shop, over) = (Arc::clone(shop), over.clone());
        tokio::spawn(async move { watch::tell(&shop, &over).await })
    };
    let (delivered, fans) = tokio::join!(faults::carry_out(cast, planned, opens), crowd.go_home());
    over.cancel();
    telling.await?;
    Ok(Storm { fans: fans?, delivered, watched: watching.await?? })
}

fn processes(watched: Watched, stopped: Option<String>) -> Row {
    let compared = format!("{} gave up while they started, and were started again", watched.started_again);
    Row::check("processes", compared, watched.ended.into_iter().chain(stopped).collect())
}

fn delivered(deliveries: &[Delivery], options: &Options) -> Row {
    println!();
    for delivery in deliveries {
        match &delivery.seen {
            Ok(what) => println!("{}: {what}", delivery.planned),
            Err(why) => println!("{}: NOT SEEN: {why}", delivery.planned),
        }
    }
    println!();
    let seen = deliveries.iter().filter(|delivery| delivery.seen.is_ok()).count() as u64;
    Row::minimum("faults", seen, options.least_faults(deliveries.len()))
}

fn tell(verdict: &Verdict, options: &Options) -> Proof {
    let proof = verdict.proof();
    println!("{verdict}\n{proof}");
    println!("The same faults again: cargo xtask chaos {}", options.faults_again());
    proof
}

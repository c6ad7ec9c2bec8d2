//! After the storm: everything drains, every key is sent once more, every booking is looked at, and the audit is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context as _;
use futures::{TryStreamExt as _, stream};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use crate::cast::Cast;
use crate::fan::Fan;
use crate::habits::Manner;
use crate::history::Outcome;
use crate::shop::Shop;
use crate::verdict::Row;

/// What does not move for so long will not settle. Longer than a hold, and than the pauses of what tries again.
const STANDSTILL: Duration = Duration::from_secs(75);
const LOOK: Duration = Duration::from_millis(500);

/// How long all keys, or all looks, may take when nothing goes wrong any more: so long, and so long each.
const DECIDED: Duration = Duration::from_mins(1);
const DECIDED_EACH: Duration = Duration::from_millis(100);

/// Fans who send their keys again at a time.
const AT_A_TIME: usize = 16;

/// What `goticket audit --json` prints, as far as it is needed here.
#[derive(Debug, Deserialize)]
pub(crate) struct Audit {
    pub ok: bool,
    seats: Seats,
    events_committed: u64,
    events_missing: u64,
    checks: Vec<Check>,
}

#[derive(Debug, Deserialize)]
struct Seats {
    sold: u64,
    held: u64,
}

#[derive(Debug, Deserialize)]
struct Check {
    name: String,
    violations: u64,
    named: Vec<String>,
}

/// Waits until the audit passes and no hold is left, or nothing moves any more.
pub(crate) async fn drained(cast: &Cast) -> anyhow::Result<Audit> {
    let (mut last, mut since) = (None, Instant::now());
    loop {
        let audit = audit(cast).await?;
        let violations: Vec<u64> = audit.checks.iter().map(|check| check.violations).collect();
        let state = Some((audit.seats.sold, audit.seats.held, audit.events_committed, audit.events_missing, violations));
        if state != last {
            (last, since) = (state, Instant::now());
        }
        if (audit.ok && audit.seats.held == 0) || since.elapsed() > STANDSTILL {
            return Ok(audit);
        }
        sleep(LOOK).await;
    }
}

async fn audit(cast: &Cast) -> anyhow::Result<Audit> {
    let output = cast.deployment.lock().await.try_command(&["audit", "--json"], &[]).await?;
    let mut documents = serde_json::Deserializer::from_str(&output.stdout).into_iter();
    let audit = documents.next().with_context(|| "the audit printed nothing".to_owned())?;
    audit.with_context(|| format!("the audit could not be made:\n{}", output.stdout))
}

impl Audit {
    pub(crate) fn row(&self) -> Row {
        let failing = self.checks.iter().filter(|check| check.violations > 0);
        let mut wrong: Vec<String> =
            failing.map(|check| format!("{}: {}, e.g. {}", check.name, check.violations, check.named.join("; "))).collect();
        if !self.ok && wrong.is_empty() {
            wrong.push("it says no, and not why".to_owned());
        }
        if self.checks.is_empty() {
            wrong.push("it made no check".to_owned());
        }
        let compared = format!(
            "goticket audit: {} checks, {} seats sold, {} held, {} domain events",
            self.checks.len(),
            self.seats.sold,
            self.seats.held,
            self.events_committed
        );
        Row::check("audit", compared, wrong)
    }
}

fn time_for(count: usize) -> Instant {
    Instant::now() + DECIDED + DECIDED_EACH * u32::try_from(count).unwrap_or(u32::MAX)
}

/// Sends every key that was ever sent once more.
pub(crate) async fn replay_every_key(shop: &Shop, fans: &mut [Fan]) -> anyhow::Result<()> {
    let keys: usize = fans.iter().map(|fan| fan.sent.len()).sum();
    let until = time_for(keys);
    // A fan is one client: one key after the other.
    stream::iter(fans.iter_mut().map(Ok::<_, anyhow::Error>))
        .try_for_each_concurrent(AT_A_TIME, async |fan| {
            for sent in std::mem::take(&mut fan.sent) {
                // Until the key itself tells the outcome: what a page tells is not what is compared.
                while Instant::now() < until
                    && !fan.decide(shop, &sent, Manner::Waits, until).await?.is_some_and(|decided| decided.is_decision())
                {
                }
            }
            Ok(())
        })
        .await
}

/// Looks at every booking that anybody was told of, until it is seen.
pub(crate) async fn look_at_every_booking(shop: &Shop, fans: &mut [Fan]) -> anyhow::Result<()> {
    let mut bookings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for attempt in shop.history.all()? {
        if let Some(booking) = attempt.booking.filter(|_| attempt.outcome.is_booking()) {
            bookings.entry(attempt.account).or_default().insert(booking);
        }
    }
    let (bookings, until) = (&bookings, time_for(bookings.values().map(BTreeSet::len).sum()));
    stream::iter(fans.iter_mut().map(Ok::<_, anyhow::Error>))
        .try_for_each_concurrent(AT_A_TIME, async |fan| {
            for booking in bookings.get(&fan.account.id).into_iter().flatten() {
                loop {
                    let seen = fan.look(shop, booking, None).await?;
                    if !matches!(seen.outcome, Outcome::ComeBack | Outcome::Unknown) || Instant::now() > until {
                        break;
                    }
                    sleep(LOOK).await;
                }
            }
            Ok(())
        })
        .await
}

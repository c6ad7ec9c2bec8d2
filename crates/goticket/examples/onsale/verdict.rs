//! Judging the onsale: what the fans saw, what the audit says, what the mail server holds.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use goticket_testkit::{Deployment, Mail};
use serde::Deserialize;

use crate::fan::Story;

/// After the last fan has gone, mails arrive, holds end, domain events are published. What does not move for so long will not settle.
const STANDSTILL: Duration = Duration::from_mins(1);

/// What `goticket audit --json` prints, as far as it is needed here.
#[derive(Debug, Deserialize)]
pub(crate) struct Audit {
    pub ok: bool,
    pub seats: AuditSeats,
    pub events_committed: u64,
    pub events_missing: u64,
    pub events_doubled: u64,
    pub checks: Vec<AuditCheck>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AuditSeats {
    pub capacity: u64,
    pub sold: u64,
    pub held: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AuditCheck {
    pub name: String,
    pub violations: u64,
}

/// The numbers that decide.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub audit: Audit,
    pub audit_text: String,
    /// Seats that two fans were told are theirs, or that the audit found twice.
    pub oversold: u64,
    pub undecided: u64,
    pub mails: u64,
    pub mails_missing: u64,
    pub mails_doubled: u64,
    pub faults: Vec<String>,
}

impl Verdict {
    pub(crate) fn passes(&self) -> bool {
        let flaws = [self.oversold, self.undecided, self.audit.events_missing, self.mails_missing, self.mails_doubled];
        self.audit.ok && self.faults.is_empty() && flaws.iter().all(|flaw| *flaw == 0)
    }
}

/// Waits until everything has settled, or nothing moves any more, then judges: what has not settled is a flaw, not an error.
pub(crate) async fn reach(deployment: &Deployment, event: &str, stories: &[Story]) -> anyhow::Result<Verdict> {
    let expected: Vec<&Story> = stories.iter().filter(|story| story.confirmed.is_some()).collect();
    let (mut last, mut since) = (None, Instant::now());
    loop {
        let audit = audit(deployment, event).await?;
        let (mails, missing, doubled) = mails(deployment, &expected).await?;
        let settled = audit.ok && missing == 0 && audit.seats.held == 0;
        let state = Some((mails, audit.seats.held, audit.events_missing));
        if state != last {
            (last, since) = (state, Instant::now());
        }
        if settled || since.elapsed() > STANDSTILL {
            let text = deployment.try_command(&["audit", "--event", event], &[]).await?.stdout;
            return Ok(Verdict {
                oversold: twice(stories).max(violations(&audit, "oversold")),
                undecided: stories.iter().map(|story| u64::from(story.undecided)).sum(),
                faults: stories.iter().filter_map(|story| story.fault.clone()).collect(),
                audit,
                audit_text: text,
                mails,
                mails_missing: missing,
                mails_doubled: doubled,
            });
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn audit(deployment: &Deployment, event: &str) -> anyhow::Result<Audit> {
    let output = deployment.try_command(&["audit", "--json", "--event", event], &[]).await?;
    serde_json::from_str(&output.stdout).map_err(|_| anyhow::anyhow!("the audit could not be made:\n{}", output.stdout))
}

fn violations(audit: &Audit, check: &str) -> u64 {
    audit.checks.iter().find(|found| found.name == check).map_or(0, |found| found.violations)
}

/// Seats in two fans' hands.
fn twice(stories: &[Story]) -> u64 {
    let mut owners: HashMap<u32, u64> = HashMap::new();
    stories.iter().flat_map(|story| &story.seats).for_each(|seat| *owners.entry(*seat).or_default() += 1);
    owners.values().filter(|owners| **owners > 1).count() as u64
}

/// All mails of this onsale that bring tickets, fans without theirs, and mails too many.
async fn mails(deployment: &Deployment, expected: &[&Story]) -> anyhow::Result<(u64, u64, u64)> {
    let mut received: BTreeMap<String, u64> = BTreeMap::new();
    let mut mails = deployment.bed.mailbox.all().await?;
    mails.retain(Mail::brings_tickets);
    for mail in &mails {
        *received.entry(mail.to.to_lowercase()).or_default() += 1;
    }
    let missing = expected.iter().filter(|story| !received.contains_key(&story.email)).count() as u64;
    let doubled = received.values().map(|count| count - 1).sum();
    Ok((mails.len() as u64, missing, doubled))
}

//! The audit's report: every check with what it proves and what contradicts it.

use std::fmt;

use goticket_platform::{amqp::Amqp, config::KafkaConfig};
use goticket_storage::{
    audit::{self, CHECKS, LeftOut, Scope, SeatCount},
    lanes,
};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::PgPool;

use super::{
    CheckResult,
    kafka_log::{self, LogComparison},
    queues,
};

/// The whole audit.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// No violation anywhere.
    pub ok: bool,
    /// Seats by what became of them.
    pub seats: SeatCount,
    /// Since when what happened is looked for in the outbox and in Kafka.
    pub since: Timestamp,
    /// What is older.
    pub left_out: LeftOut,
    /// Domain events that Kafka must hold.
    pub events_committed: u64,
    /// Committed, but not in the log.
    pub events_missing: u64,
    /// In the log more than once (allowed: consumers recognise the id).
    pub events_doubled: u64,
    /// Check by check.
    pub checks: Vec<CheckResult>,
}

impl Report {
    /// Runs every check. First the queues: what they no longer hold is in the tables.
    pub(crate) async fn make(pool: &PgPool, amqp: &Amqp, kafka: &KafkaConfig, scope: Scope) -> anyhow::Result<Self> {
        let mut checks = Vec::from(queues::checks(amqp, lanes::count(pool).await?).await?);
        for check in CHECKS {
            let finding = audit::run(pool, check, scope).await?;
            checks.push(CheckResult {
                name: check.name.to_owned(),
                proves: check.proves.to_owned(),
                violations: u64::try_from(finding.violations)?,
                named: finding.named,
            });
        }
        let admissions = audit::rooms::admissions(pool, scope.event).await?;
        checks.push(CheckResult {
            name: audit::rooms::ADMISSIONS.to_owned(),
            proves: audit::rooms::ADMISSIONS_PROVE.to_owned(),
            violations: u64::try_from(admissions.violations.len())?,
            named: admissions.violations,
        });
        let committed = audit::committed_events(pool, scope).await?;
        let log = kafka_log::read(kafka).await?;
        let compared = LogComparison::of(&committed, &log);
        checks.push(published(&compared));
        checks.push(ordered(&compared));
        Ok(Self {
            ok: checks.iter().all(|check| check.violations == 0),
            seats: audit::seat_count(pool, scope.event).await?,
            since: scope.since,
            left_out: audit::left_out(pool, scope).await?,
            events_committed: committed.len() as u64,
            events_missing: compared.missing.len() as u64,
            events_doubled: compared.doubled,
            checks,
        })
    }
}

fn published(compared: &LogComparison) -> CheckResult {
    CheckResult {
        name: "committed is published".to_owned(),
        proves: "every domain event in the outbox is in the Kafka log".to_owned(),
        violations: compared.missing.len() as u64,
        named: first(&compared.missing),
    }
}

fn ordered(compared: &LogComparison) -> CheckResult {
    CheckResult {
        name: "order".to_owned(),
        proves: "per event, Kafka's order is the order of the outbox".to_owned(),
        violations: compared.out_of_order.len() as u64,
        named: first(&compared.out_of_order),
    }
}

fn first(all: &[String]) -> Vec<String> {
    let most = usize::try_from(audit::MAX_NAMED_VIOLATIONS).unwrap_or(usize::MAX);
    all.iter().take(most).cloned().collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SeatCount { capacity, sold, held, free } = self.seats;
        writeln!(f, "Seats   {capacity}: {sold} sold, {held} held, {free} free")?;
        writeln!(
            f,
            "Events  {} committed, {} missing from Kafka, {} there twice",
            self.events_committed, self.events_missing, self.events_doubled
        )?;
        let LeftOut { requests, payments, events } = self.left_out;
        writeln!(
            f,
            "Told    since {}, when the outbox begins; older and left out: {requests} requests, {payments} payments, {events} domain events",
            self.since
        )?;
        for check in &self.checks {
            let mark = if check.violations == 0 { "ok  " } else { "FAIL" };
            writeln!(f, "{mark}  {:<26} {}", check.name, check.proves)?;
            for what in &check.named {
                writeln!(f, "        ✗ {what}")?;
            }
            let unnamed = check.violations.saturating_sub(check.named.len() as u64);
            if unnamed > 0 {
                writeln!(f, "        … and {unnamed} more")?;
            }
        }
        writeln!(f, "{}", if self.ok { "The audit passes." } else { "THE AUDIT FAILS." })
    }
}

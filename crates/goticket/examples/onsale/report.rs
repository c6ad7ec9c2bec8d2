//! The report: for a person to enjoy, and as JSON for a machine.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::tally::Percentiles;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub event: String,
    pub fans: u64,
    pub joined: u64,
    pub admitted: u64,
    pub seats: u64,
    pub held: u64,
    pub confirmed: u64,
    pub seats_sold: u64,
    pub refused: BTreeMap<String, u64>,
    pub oversold: u64,
    pub undecided: u64,
    pub events: u64,
    pub events_missing: u64,
    pub events_doubled: u64,
    pub mails: u64,
    pub mails_missing: u64,
    pub mails_doubled: u64,
    pub audit_ok: bool,
    pub faults: Vec<String>,
    pub worker_killed: bool,
    pub requests_repeated: BTreeMap<String, u64>,
    pub rate_per_min: u32,
    pub confirmed_per_s: f64,
    pub sold_out_s: Option<f64>,
    pub sale_s: f64,
    pub setup_s: f64,
    pub wall_s: f64,
    pub latency_ms: BTreeMap<String, Percentiles>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n  {}\n", self.event)?;
        row(
            f,
            "fans",
            format!("{} in line of {}, {} admitted at {}/min", self.joined, self.fans, self.admitted, self.rate_per_min),
        )?;
        row(f, "bookings", format!("{} held, {} confirmed ({:.1} per second)", self.held, self.confirmed, self.confirmed_per_s))?;
        row(f, "seats", format!("{} of {} sold", self.seats_sold, self.seats))?;
        let sold_out = self.sold_out_s.map_or("not sold out".to_owned(), |s| format!("sold out {s:.1} s after the start"));
        row(f, "", sold_out)?;
        let refusals: Vec<String> = self.refused.iter().map(|(reason, n)| format!("{n} {}", reason.replace('_', " "))).collect();
        row(f, "refused", if refusals.is_empty() { "nobody".to_owned() } else { refusals.join(", ") })?;
        row(
            f,
            "domain events",
            format!("{} on Kafka, {} missing, {} published again", self.events, self.events_missing, self.events_doubled),
        )?;
        row(f, "mails", format!("{} delivered, {} missing, {} doubled", self.mails, self.mails_missing, self.mails_doubled))?;
        row(
            f,
            "worker",
            if self.worker_killed { "killed half-way by SIGKILL, replaced".to_owned() } else { "left alone".to_owned() },
        )?;
        row(f, "time", format!("{:.1} s: {:.1} s to set up, {:.1} s of sale", self.wall_s, self.setup_s, self.sale_s))?;
        writeln!(f, "\n  {:<20} {:>9} {:>9} {:>9} {:>9}", "latency, ms", "p50", "p95", "p99", "count")?;
        for (step, p) in &self.latency_ms {
            writeln!(f, "  {:<20} {:>9.1} {:>9.1} {:>9.1} {:>9}", step.replace('_', " "), p.p50, p.p95, p.p99, p.count)?;
        }
        let flaws = [
            ("seats sold twice", self.oversold),
            ("requests without an outcome", self.undecided),
            ("fans who met an error", self.faults.len() as u64),
        ];
        writeln!(f)?;
        for (what, count) in flaws {
            writeln!(f, "  {} {count} {what}", if count == 0 { "✓" } else { "✗" })?;
        }
        for fault in self.faults.iter().take(5) {
            writeln!(f, "      {fault}")?;
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, text: impl fmt::Display) -> fmt::Result {
    writeln!(f, "  {name:<16} {text}")
}

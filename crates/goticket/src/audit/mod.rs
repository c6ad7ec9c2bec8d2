//! The audit: what the queues still hold, what the tables say, and whether Kafka says the same.

mod kafka_log;
mod queues;
mod report;

use serde::Serialize;

pub(crate) use report::Report;

/// One check's result.
#[derive(Debug, Serialize)]
pub(crate) struct CheckResult {
    /// Its name.
    pub name: String,
    /// What it proves when there are no violations.
    pub proves: String,
    /// How many violations there are.
    pub violations: u64,
    /// The first of them.
    pub named: Vec<String>,
}

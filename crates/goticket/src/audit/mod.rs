//! The audit: what the tables say, and whether Kafka says the same.

mod kafka_log;
mod report;

pub(crate) use report::Report;

//! The audit: what the queues still hold, what the tables say, and whether Kafka says the same.

mod kafka_log;
mod queues;
mod report;

pub(crate) use report::Report;

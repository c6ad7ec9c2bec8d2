//! The outbox: written in the transaction of the change it tells of, read by the relay.

pub mod partitions;
pub mod relay;

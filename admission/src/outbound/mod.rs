//! What the waiting room stands on: the line in Redis. (SQL is `goticket_storage`'s.)

pub mod beacon;
pub mod redis;

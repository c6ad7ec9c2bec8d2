//! What the workers do, one use case per file.

pub mod booking;

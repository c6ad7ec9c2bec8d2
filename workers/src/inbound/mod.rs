//! What sets the workers to work.

pub mod booking_queue;

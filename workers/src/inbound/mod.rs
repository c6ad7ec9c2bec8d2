//! What sets the workers to work.

pub mod booking_queue;
pub mod domain_events;
pub mod task_queue;

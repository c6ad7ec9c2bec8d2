//! Protocols in, use cases out: lanes, tasks, domain events.

pub mod domain_events;
pub mod lane_queues;
pub mod task_queue;

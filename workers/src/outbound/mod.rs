//! What the workers talk to, one adapter per technology.

pub mod command_queue;
pub mod dead_letters;
pub mod event_log;
pub mod lane_health;
pub mod object_folder;
pub mod sandbox_payments;
pub mod seats;
pub mod task_exchange;

//! What the workers do, one use case per file.

pub mod booking;
pub mod expire_holds;
pub mod mail_resets;
pub mod mail_tickets;
pub mod mail_verifications;
pub mod notify;
pub mod outcome;
pub mod reconcile_payments;
pub mod relay;
pub mod remind;
pub mod render_tickets;
pub mod sharing;

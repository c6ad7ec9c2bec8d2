//! Deciding bookings: the one place where seats are given, paid for and given back.
//!
//! A batch is decided at a [`desk`](desk::Desk): [`load`] locks and reads what it needs, the commands are handled in memory in arrival order
//! (one file each), [`write`] writes what has changed, all in the one transaction of [`decide_batch`]. The [`worker`] answers for what
//! goes wrong.
//!
//! Invariants:
//! * a seat is given only by a row that `booking_seats_one_live` let in: Redis, the ledger in memory and the single consumer only
//!   save work;
//! * a message is done only after the commit, and carrying a command out twice is the same as once.

mod cancel;
mod create;
mod decide_batch;
mod desk;
mod expire;
mod job;
mod load;
mod pay;
mod plans;
mod ticket_code;
mod worker;
mod write;

pub(crate) use desk::{Desk, SectionKey};
pub use job::{Condemned, Job, Verdict};
pub use worker::BookingWorker;

//! Deciding bookings: the one place where seats are given, paid for and given back.
//!
//! A lane has one [owner](LaneOwner) at a time. It keeps in [memory] what it decides with, lets the domain decide a batch of commands in
//! order, writes what has changed in one [fenced](goticket_storage::lanes::Fence) statement, and [publishes](crate::outbound::seats) it.
//! It reads the database only for what its memory does not know.
//!
//! Invariants:
//! * a seat is given only by a row that the primary key of `taken_seats` let in, written under the lane's fence: Redis, memory and
//!   leases only save work;
//! * a message is done only after the commit, and carrying a command out twice is the same as once.

mod batch;
mod clock;
mod health;
mod job;
mod memory;
mod owner;
mod plans;
mod publication;
mod ticket_code;

pub use health::LaneHealth;
pub use job::{Job, Rejected, Verdict};
pub use owner::{Deciding, LaneOwner};

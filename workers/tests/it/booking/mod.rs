//! Deciding bookings.

mod queue;
mod requests;

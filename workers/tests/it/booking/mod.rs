//! Deciding bookings.

mod faults;
mod keys;
mod life;
mod payments;
mod plans;
mod poison;
mod queue;
mod races;
mod requests;
mod seat_map;

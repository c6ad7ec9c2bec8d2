//! Deciding bookings.

mod faults;
mod forget;
mod keys;
mod life;
mod owners;
mod payments;
mod plans;
mod poison;
mod queue;
mod races;
mod requests;
mod seat_map;

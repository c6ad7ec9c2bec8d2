//! Deciding bookings.

mod alarm;
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
mod restarts;
mod seat_map;

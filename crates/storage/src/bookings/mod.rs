//! Bookings: what a lane's owner loads, looks up and writes, what fans read, and the deadlines that pass.

pub mod deadlines;
pub mod list;
pub mod load;
pub mod look_up;
pub mod printable;
pub mod purge;
mod row;
pub mod view;
pub mod write;

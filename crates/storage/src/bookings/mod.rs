//! Bookings: what the worker decides with, what fans read, and the deadlines that pass.

pub mod deadlines;
pub mod decide;
pub mod layout;
pub mod locks;
pub mod printable;
pub mod sale;
pub mod view;

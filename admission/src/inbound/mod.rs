//! How the waiting room is reached from other processes.

pub(crate) mod bookings;
pub(crate) mod grpc;

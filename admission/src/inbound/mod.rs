//! How the waiting room is reached from other processes.

pub(crate) mod grpc;

//! Adapters to what the gateway depends on, one per technology and purpose.

pub(crate) mod account_limits;
pub(crate) mod commands;
pub(crate) mod objects;
pub(crate) mod pending;
pub(crate) mod refresh_families;
pub(crate) mod sandbox_payments;
pub(crate) mod seat_deltas;
pub(crate) mod seat_map;
pub(crate) mod verifications;
pub(crate) mod waiting_room_grpc;

//! The gateway: GoTicket's HTTP API. It checks who calls and what was sent, answers from memory what can be answered so, and passes
//! on what others decide: places to the waiting room, bookings to their lanes' queues.
//!
//! Not here: who gets a place or a seat; it writes no booking. Business rules are in `goticket_domain`, SQL in `goticket_storage`.
//!
//! Invariants:
//! * what a client did wrong is answered with the field and the fix, what we did wrong with an id to find it in the logs
//!   ([`inbound`]'s `problem.rs` is the only place that knows HTTP statuses);
//! * a 202 is sent only after the broker confirmed the command; a key that was decided is answered with its stored outcome;
//! * polls and boards cost no I/O; hashing passwords never takes more than its share of the cores;
//! * every request, body, queue, cache and wait has a bound.

mod app;
mod config;
mod fault;
mod inbound;
mod outbound;
mod packed;
mod server;
mod services;

pub use config::{Config, ConnectionsConfig, ForwardedBy, GatewayConfig, PaymentsConfig, ReturnHost, WebOrigin};
pub use inbound::openapi::document as openapi_document;
pub use outbound::waiting_room_grpc::GrpcWaitingRoom;
pub use server::{Gateway, run};

//! Every wire format between GoTicket's parts: protobuf (gRPC), domain events (Kafka), commands and tasks (RabbitMQ), replies and
//! keys (Redis). With golden tests, so that a change of a format is seen.
//!
//! Not here: connections, retries, use cases.

pub mod amqp;
pub mod commands;
pub mod events;
pub mod objects;
pub mod queue_events;
pub mod redis_keys;
pub mod replies;
pub mod tasks;
pub mod waiting_room_convert;

/// The waiting room's gRPC contract, generated from `proto/waiting_room.proto`.
#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub, unused_qualifications)]
pub mod waiting_room {
    tonic::include_proto!("goticket.waiting_room.v1");
}

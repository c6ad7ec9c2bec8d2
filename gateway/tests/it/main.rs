//! The gateway on real servers, called over HTTP. The waiting room is the real one, inside the test's process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::large_futures, missing_docs)]

mod away;
mod bad_input;
mod board;
mod board_stream;
mod booking_stream;
mod bookings;
mod cancel;
mod catalog;
mod draw;
mod early;
mod enter;
mod event_stream;
mod faults;
mod groups;
mod joins;
mod lanes;
mod my_bookings;
mod onsales;
mod openapi;
mod own_sessions;
mod place;
mod problems;
mod queue_loss;
mod repetition;
mod roles;
mod rooms;
mod sale;
mod seat_stream;
mod session_loss;
mod sessions;
mod tokens;
mod told;
mod verify_email;
mod webhook;
mod world;

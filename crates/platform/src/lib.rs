//! What every GoTicket process stands on: configuration, telemetry, health, shutdown, and connections that come back by themselves.
//!
//! Not here: business rules, SQL, queue names, Lua scripts. Of the workspace it knows only the wire contracts,
//! whose topology it declares.
//!
//! Invariants:
//! * a wrong or missing setting is refused at start, by its full name, value and allowed range, and never shows a secret ([`config`]);
//! * nothing waits for ever: every connection, request and confirm has a time-out, every queue a bound;
//! * a server that goes away for a while costs errors while it is away and nothing after it is back;
//! * "unknown" is never reported as "failed" or "done" ([`amqp::PublishError::Unknown`]).

pub mod amqp;
pub mod config;
pub mod crypto;
pub mod health;
pub mod http;
pub mod kafka;
pub mod metrics;
pub mod postgres;
pub mod redis;
pub mod shutdown;
pub mod telemetry;

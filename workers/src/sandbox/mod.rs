//! The sandbox payment provider: the outside world's till, as an HTTP service of its own.
//!
//! It plays the part that Stripe plays in production, so it shares nothing with the rest: no database, no broker, no
//! types. It keeps its payments in memory, at most [`SandboxConfig::payments_max`] of them (then 503), and forgets them
//! when it ends. Everything below is its public contract.
//!
//! # For merchants (`Authorization: Bearer <api key>`)
//!
//! - `POST /v1/payments`, `Idempotency-Key: …`, `{"amount_minor": 4900, "currency": "EUR", "reference": "…",
//!   "description": "…", "return_url": "…", "webhook_url": "…"}` → 201 [payment](#payment). `description` and `return_url` may
//!   be missing. The same key again gives the same payment as it is now (201); with another body, 422 `idempotency_key_reused`.
//! - `GET /v1/payments/{id}` → 200 payment.
//! - `POST /v1/payments/{id}/refunds`, `Idempotency-Key: …`, `{"amount_minor": 4900}` (missing: all that is left) → 201
//!   `{"id", "payment", "amount_minor", "status": "refunded"}`. The same key again gives the same refund; with another
//!   amount, 422. More than is left, or nothing paid yet: 409.
//!
//! # Payment
//! `{"id": "pay_…", "status": "open"|"paid"|"refunded", "amount_minor", "currency", "reference", "description",
//! "return_url", "webhook_url", "pay_url", "refunded_minor", "declines", "created", "paid_at"}`. A decline leaves it open for another try; it is
//! `refunded` when everything went back.
//!
//! # For fans
//!
//! - `GET /pay/{id}`: the hosted page.
//! - `POST /pay/{id}`, form `card_number=…`. With `Accept: text/html`: 303 to `return_url?payment=…&status=paid`, or the
//!   page again. Otherwise JSON: 200 payment; 402 `card_declined`; 409 `already_paid` with the payment's `status` (nothing is
//!   charged again, and the same webhook is sent again).
//!
//! The card chooses what happens: see [`cards`].
//!
//! # Webhooks
//!
//! `POST webhook_url`, `{"id": "evt_…", "type": "payment.paid"|"payment.declined"|"payment.refunded", "created",
//! "data": {"payment", "reference", "amount_minor", "currency", "status", "refunded_minor"}}`. `id` and every other byte stay the same
//! when it is delivered again. Any answer but 2xx (a redirect, too), or none in time, is tried again with growing pauses until
//! [`SandboxConfig::webhook_give_up_s`]. The order of deliveries is not promised. Signed as [`signature`] says.
//!
//! Errors are RFC 9457 problems with a `code`.

pub mod cards;
mod config;
mod http;
mod ledger;
mod payment;
mod postman;
mod server;
pub mod signature;

pub use config::SandboxConfig;
pub use server::{Sandbox, router, run, serve};

//! What a fan gets in hand: the ticket, the mail it comes in, and the till they paid at.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::large_futures)]

mod mail;
mod sandbox;
mod ticket_pdf;

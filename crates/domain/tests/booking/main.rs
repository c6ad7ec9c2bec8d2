//! Bookings: every rule of the decision core by example, what holds for any sequence of commands, and every interleaving of a small
//! sale.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

mod best_available;
mod cancel;
mod choosing;
mod expire;
mod hall;
mod in_the_way;
mod keys;
mod limit;
mod memory;
mod named_seats;
mod owner;
mod pay;
mod pay_late;
mod properties;
mod refunds;
mod rules;
mod sale;
mod search;
mod standing;
mod store;
mod terms;

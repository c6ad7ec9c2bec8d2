//! The sandbox provider on real sockets, with a shop that listens to its webhooks.

mod abuse;
mod cards;
mod hosted_page;
mod merchants;
mod shop;
mod till;
mod webhooks;

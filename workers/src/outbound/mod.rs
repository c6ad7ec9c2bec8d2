//! What the workers talk to, one adapter per technology.

pub mod dead_letters;
pub mod seats;

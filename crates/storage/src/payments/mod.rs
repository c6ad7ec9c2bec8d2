//! Payments: the attempts fans make, and those whose end is still unknown.

pub mod attempts;
pub mod undecided;

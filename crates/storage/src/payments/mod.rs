//! Payments: the attempts fans make, what became of them, and those whose end is still unknown.

pub mod attempts;
pub mod history;
pub mod undecided;

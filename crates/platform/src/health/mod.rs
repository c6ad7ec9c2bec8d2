//! Health: alive, ready, and which dependency is missing.

pub mod checks;
mod readiness;
mod router;

pub use readiness::{Check, Criticality, DependencyStatus, Readiness, ReadinessReport};
pub use router::{alive, router};

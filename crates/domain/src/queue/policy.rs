//! The waiting room's policy: who may come inside, when and for how long, and what those who wait are told about it.
//!
//! Pure functions and values. The service, the simulation and the tests of what runs in Redis use the same ones; none of them knows a
//! clock or a store.

mod aimd;
mod bucket;
mod caps;
mod claim_window;
mod eta;
mod foresight;
mod pace;
mod poll;

pub use aimd::{AutoLimits, AutoRate, Health};
pub use bucket::Bucket;
pub use caps::{Limits, Spare, admissible};
pub use claim_window::{AnnouncedPolls, Shown};
pub use eta::{Eta, EtaModel, EtaRange};
pub use foresight::{Drain, DrainTerms, LineNow, WhatIf};
pub use pace::Pace;
pub use poll::{Distance, poll_after_ms};

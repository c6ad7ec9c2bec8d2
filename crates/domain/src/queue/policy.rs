//! The waiting room's policy: who may come inside, when and for how long, and what those who wait are told about it.
//!
//! Pure functions and values. The service, the simulation and the tests of what runs in Redis use the same ones; none of them knows a
//! clock or a store.

mod aimd;
mod bucket;
mod caps;
mod chance;
mod claim_window;
mod eta;
mod foresight;
mod held_up;
mod pace;
mod poll;
mod release;
mod safety_net;
mod shadow;
mod slot;

pub use aimd::{AutoLimits, AutoRate, Health};
pub use bucket::Bucket;
pub use caps::{Limits, Spare, admissible, deferred_first};
pub use chance::{CategoryStock, Chance, Crowd, chances};
pub use claim_window::{AnnouncedPolls, Shown};
pub use eta::{Eta, EtaModel, EtaRange};
pub use foresight::{Drain, DrainTerms, LineNow, WhatIf};
pub use held_up::{HeldUp, LineFacts};
pub use pace::Pace;
pub use poll::{Distance, poll_after_ms};
pub use release::{Release, ReleaseReason, release};
pub use safety_net::{Arrivals, opens_at_once};
pub use shadow::ShadowLine;
pub use slot::{Session, may_resume, slot_until_ms};

//! What goes wrong: its kinds, the plan, and its delivery.

mod commits;
mod deliver;
mod kind;
mod plan;
mod processes;
mod servers;
mod ways;

pub(crate) use deliver::{Delivery, carry_out};
pub(crate) use kind::{Kind, Named};
pub(crate) use plan::{Planned, plan};

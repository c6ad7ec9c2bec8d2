//! The sandbox's endpoints, one per file, and what they share.

pub(super) mod create;
pub(super) mod key;
pub(super) mod limits;
pub(super) mod page;
pub(super) mod pay;
pub(super) mod problem;
pub(super) mod refund;
pub(super) mod show;

//! Every request has one outcome, and every refusal tells the truth: seen from outside, through the whole system.

mod clicks;
mod keys;
mod payments;
mod refusals;
mod returns;
mod too_late;

//! The checker against draws that are honest, and against operators who try everything. They have all keys, so what they change is signed.

#![allow(clippy::unwrap_used)]

mod check;
mod honest;
mod members;
mod operator;
mod steering;
mod tampering;
mod vectors;

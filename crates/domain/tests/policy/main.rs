//! Who may do what: the table as people read it, and what follows from it.
#![allow(clippy::unwrap_used, missing_docs)]

mod decisions;
mod table;

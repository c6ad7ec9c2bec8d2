//! What an operator may try: each row is an honest draw but for one thing, and its name.

mod closing;
mod kept;
mod outcome;
mod terms;

use crate::honest::Case;
use crate::operator::Operator;

/// What is tried, what the checker says, and how.
pub(crate) type Row = (&'static str, &'static str, fn(&Operator) -> Case);

/// All of them.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    [terms::ROWS, closing::ROWS, kept::ROWS, outcome::ROWS].into_iter().flatten()
}

//! A look over the bytes before anything is parsed: bounds on nesting and on the number of values.

use super::{
    error::{PlanError, PlanProblem},
    pointer::At,
};
use crate::seating::limits::{MAX_DEPTH, MAX_VALUES};

/// Refuses what a parser should not be given. Malformed JSON passes: the parser says where it is wrong.
pub(super) fn check(bytes: &[u8]) -> Result<(), PlanError> {
    let (mut depth, mut values) = (0_usize, 0_usize);
    let (mut in_text, mut escaped) = (false, false);
    for &byte in bytes {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => {
                depth += 1;
                values += 1;
                if depth > MAX_DEPTH {
                    return Err(At::ROOT.fault(PlanProblem::TooDeep));
                }
                if values > MAX_VALUES {
                    return Err(At::ROOT.fault(PlanProblem::TooManyValues));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

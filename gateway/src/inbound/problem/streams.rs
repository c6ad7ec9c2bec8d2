//! Streams that cannot be opened.

use super::{Problem, ProblemCode};
use crate::app::seat_feeds::FollowError;
use crate::app::stream_slots::NoSlot;

/// Until then some streams have ended; who comes back sooner adds to the load that there is.
const STREAM_RETRY_S: u32 = 5;

impl From<NoSlot> for Problem {
    fn from(error: NoSlot) -> Self {
        match error {
            NoSlot::Full => streams_full(),
            NoSlot::TooManyOfOne => {
                let detail = "You have too many streams open. Close one, or ask for the resource itself now and then.";
                Self::new(ProblemCode::TooManyStreams, detail).retry_after(STREAM_RETRY_S)
            }
        }
    }
}

impl From<FollowError> for Problem {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Full => streams_full(),
            FollowError::Fault(fault) => fault.into(),
        }
    }
}

fn streams_full() -> Problem {
    let detail = "As many streams are open as we can take. Ask for the resource itself now and then, or try again.";
    Problem::new(ProblemCode::StreamsFull, detail).retry_after(STREAM_RETRY_S)
}

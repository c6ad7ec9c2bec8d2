//! How long no one was told an outcome. No fault by itself: with the database away no one can be.

use crate::history::{Attempt, Phase};

/// The longest time of the sale in which no key was decided, in words.
pub(crate) fn longest_pause(history: &[Attempt]) -> String {
    let decisions = history.iter().filter(|attempt| attempt.phase == Phase::Sale && attempt.is_decision() && !attempt.replayed);
    let mut moments: Vec<i64> = decisions.map(|attempt| attempt.done_ms).collect();
    moments.sort_unstable();
    let pause = moments.windows(2).map(|two| two[1] - two[0]).max().unwrap_or_default();
    format!("{} decisions, at most {}.{} s apart", moments.len(), pause / 1_000, pause % 1_000 / 100)
}

//! Waiting for a condition instead of for a time.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Polls `check` until it yields `Some`, and returns what is in it.
///
/// # Panics
/// When `deadline` has passed without it, naming `what`.
pub async fn eventually<T, F, Fut>(what: &str, deadline: Duration, mut check: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(begun.elapsed() < deadline, "waited {deadline:?} in vain for: {what}");
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

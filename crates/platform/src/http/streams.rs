//! Requests that share an HTTP/2 connection. A client can keep the connection alive, by answering pings, and take nothing of an answer: its
//! window is closed. Such a stream is reset, and the others go on: behind a proxy they can be other people's.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hyper::rt::Executor;
use tokio::time::{Instant, sleep_until};

tokio::task_local! {
    static CURRENT: Arc<Stall>;
}

/// Since when the client takes nothing, of one stream.
#[derive(Default)]
pub(super) struct Stall(Mutex<Option<Instant>>);

/// The clock of the stream that this task answers; None where there is none.
pub(super) fn current() -> Option<Arc<Stall>> {
    CURRENT.try_with(Arc::clone).ok()
}

impl Stall {
    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// More is wanted: what is waited for now is ours to bring.
    pub(super) fn asked(&self) {
        *self.since() = None;
    }

    /// Something waits to be taken.
    pub(super) fn given(&self, now: Instant) {
        *self.since() = Some(now);
    }

    /// When to look again; None where it has taken nothing for so long.
    fn look(&self, now: Instant, patience: Duration) -> Option<Instant> {
        let until = self.since().unwrap_or(now) + patience;
        (now < until).then_some(until)
    }

    /// Returns when it has taken nothing for so long.
    async fn over(&self, patience: Duration) {
        while let Some(until) = self.look(Instant::now(), patience) {
            sleep_until(until).await;
        }
    }
}

/// Works on streams, each for as long as its client takes something.
#[derive(Clone, Copy)]
pub(super) struct Streams {
    pub(super) patience: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let patience = self.patience;
        tokio::spawn(async move {
            let stall = Arc::<Stall>::default();
            tokio::select! {
                // First: most answers are taken at once, and need no timer.
                biased;
                () = CURRENT.scope(Arc::clone(&stall), stream) => {}
                // Dropped, it is reset.
                () = stall.over(patience) => {
                    metrics::counter!("http_streams_ended_total", "why" => "unread").increment(1);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_counted_from_what_was_given_last_and_not_while_we_are_asked() {
        let (stall, begun, patience) = (Stall::default(), Instant::now(), Duration::from_secs(10));
        let at = |seconds| begun + Duration::from_secs(seconds);
        let look = |seconds| stall.look(at(seconds), patience);
        assert_eq!(look(0), Some(at(10)), "nothing was given yet");
        stall.given(at(5));
        assert_eq!(look(10), Some(at(15)));
        assert_eq!(look(15), None);
        stall.asked();
        assert_eq!(look(100), Some(at(110)), "it is ours to bring more");
        stall.given(at(105));
        assert_eq!((look(114), look(115)), (Some(at(115)), None));
    }
}

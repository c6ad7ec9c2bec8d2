//! Where requests are worked on. Connections have threads of their own, which read requests, turn away what is too much, and write
//! answers; what was let in is worked on by the others.
//!
//! Without it each step of a request that was let in (an answer of a server behind us) would wait its turn among thousands of connections
//! that are only turned away.

use std::panic::resume_unwind;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::request_id;

/// Works on what was let in; ends with whoever waits for it.
pub(crate) async fn apart<F>(work: &Handle, task: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    let task = request_id::keep(task).in_current_span();
    match AbortOnDropHandle::new(work.spawn(task)).await {
        Ok(output) => output,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // Only the end of the process aborts it: nobody hears of this.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Around endpoints of which everything is worked on there.
pub(crate) async fn layer(State(work): State<Handle>, request: Request, next: Next) -> Response {
    apart(&work, next.run(request)).await
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;

    use futures::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn its_panic_is_ours_and_it_ends_with_us() {
        let work = Handle::current();
        assert_eq!(apart(&work, async { 7 }).await, 7);
        let panicked = AssertUnwindSafe(apart(&work, async { panic!("of its own") })).catch_unwind().await;
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"of its own"));

        let (kept, dropped) = oneshot::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let mut waiting = Box::pin(apart(&work, async move {
            let _ = begun.send(());
            std::future::pending::<()>().await;
            drop(kept);
        }));
        tokio::select! {
            () = &mut waiting => unreachable!(),
            begun = has_begun => begun.unwrap(),
        }
        drop(waiting);
        assert!(dropped.await.is_err());
    }
}

//! Who may hash now: so many at once, the others by turns.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{counter, histogram};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::Busy;
use super::fair_queue::{FairQueue, Ticket, Who};

/// The workers. None of them is free while anybody waits.
pub(super) struct Workers {
    state: Mutex<State>,
    wait_max: Duration,
}

struct State {
    free: usize,
    queue: FairQueue<oneshot::Sender<Worker>>,
}

/// One of them; dropping it hands it to whose turn it is.
pub(super) struct Worker(Option<Arc<Workers>>);

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(workers) = self.0.take() {
            workers.hand_over();
        }
    }
}

/// A place in the queue; dropping it leaves.
struct Place<'a> {
    workers: &'a Workers,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.workers.lock().queue.leave(self.ticket);
    }
}

impl Workers {
    /// So many, for whom so many may wait, each for so long.
    pub(super) fn new(workers: usize, waiting_max: usize, wait_max: Duration) -> Arc<Self> {
        let state = Mutex::new(State { free: workers, queue: FairQueue::new(waiting_max) });
        Arc::new(Self { state, wait_max })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker, as soon as it is this one's turn.
    pub(super) async fn get(self: &Arc<Self>, who: &Who) -> Result<Worker, Busy> {
        let begun = Instant::now();
        let worker = self.wait(who).await;
        match &worker {
            Ok(_) => histogram!("gateway_password_wait_seconds").record(begun.elapsed().as_secs_f64()),
            Err(Busy) => counter!("gateway_password_refused_total").increment(1),
        }
        worker
    }

    async fn wait(self: &Arc<Self>, who: &Who) -> Result<Worker, Busy> {
        let (told, turn) = oneshot::channel();
        let _place = {
            let mut state = self.lock();
            if state.free > 0 {
                state.free -= 1;
                return Ok(Worker(Some(Arc::clone(self))));
            }
            let ticket = state.queue.push(who.clone(), told).ok_or(Busy)?;
            Place { workers: self, ticket }
        };
        // A worker that comes as the wait ends is dropped with the channel, and handed on.
        timeout(self.wait_max, turn).await.map_err(|_| Busy)?.map_err(|_| Busy)
    }

    fn hand_over(self: Arc<Self>) {
        loop {
            let next = {
                let mut state = self.lock();
                let next = state.queue.next();
                state.free += usize::from(next.is_none());
                next
            };
            let Some(next) = next else { return };
            match next.send(Worker(Some(Arc::clone(&self)))) {
                Ok(()) => return,
                // They have gone: it is the next one's. This loop hands it over, not the drop.
                Err(mut worker) => worker.0 = None,
            }
        }
    }

    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.lock().free
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use goticket_domain::identity::EmailAddress;

    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    fn who(network: u8) -> Who {
        Who { network: [10, 0, 0, network].into(), account: EmailAddress::parse("a@example.com").unwrap() }
    }

    #[tokio::test]
    async fn who_waits_is_served_by_turns_and_who_leaves_costs_no_worker() {
        let workers = Workers::new(1, 8, LONG);
        let busy = workers.get(&who(0)).await.unwrap();
        // Polled once each, in this order, so that they wait.
        let (one, other, leaves) = (who(1), who(2), who(3));
        let mut first = Box::pin(workers.get(&one));
        let mut second = Box::pin(workers.get(&other));
        let mut third = Box::pin(workers.get(&leaves));
        for waits in [&mut first, &mut second, &mut third] {
            assert!(futures::poll!(waits).is_pending());
        }
        drop(first);
        drop(busy);
        assert!(futures::poll!(&mut third).is_pending(), "the second one comes first");
        let worker = second.await.unwrap();
        // It has its turn and is gone before it notices.
        drop(worker);
        drop(third);
        assert_eq!(workers.free(), 1);
    }

    #[tokio::test]
    async fn who_waits_too_long_is_told_so_and_is_not_in_the_way() {
        let workers = Workers::new(1, 1, Duration::ZERO);
        let busy = workers.get(&who(0)).await.unwrap();
        for _ in 0..3 {
            assert!(workers.get(&who(1)).await.is_err());
        }
        drop(busy);
        assert_eq!(workers.free(), 1);
    }

    #[tokio::test]
    async fn who_finds_no_room_is_told_so_at_once() {
        let workers = Workers::new(1, 1, LONG);
        let _busy = workers.get(&who(0)).await.unwrap();
        let one = who(1);
        let mut waits = Box::pin(workers.get(&one));
        assert!(futures::poll!(&mut waits).is_pending());
        assert!(workers.get(&who(2)).await.is_err());
    }
}

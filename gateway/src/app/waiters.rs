//! Requests that wait for the booking worker's reply, by the booking id their command was sent under.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use goticket_contracts::replies::Reply;
use goticket_domain::BookingId;
use goticket_domain::booking::Answer;
use metrics::gauge;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Between two looks at the database while no reply can be heard.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// All requests that wait. Several can wait for one booking: a fan who cancels in two tabs.
#[derive(Default)]
pub(crate) struct Waiters {
    waiting: Mutex<Waiting>,
    missed: Notify,
    disconnected: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    by_booking: HashMap<BookingId, Vec<(u64, oneshot::Sender<Answer>)>>,
}

/// A place among those that wait; given back when it is dropped, whatever happened.
pub(crate) struct Waiter {
    all: Arc<Waiters>,
    booking: BookingId,
    id: u64,
    reply: oneshot::Receiver<Answer>,
}

/// What a request that waits has to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Read the reply.
    Reply(Answer),
    /// Look at the database: a reply may have been missed.
    Look,
    /// Look a last time, and answer.
    End,
}

impl Waiters {
    /// To be called before the command is published: the reply may be faster than the confirm.
    pub(crate) fn register(self: &Arc<Self>, booking: BookingId) -> Waiter {
        let (sender, reply) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let id = waiting.next;
        waiting.next += 1;
        waiting.by_booking.entry(booking).or_default().push((id, sender));
        gauge!("gateway_waiters").increment(1);
        Waiter { all: Arc::clone(self), booking, id, reply }
    }

    /// Hands a reply to all that wait for it.
    pub(crate) fn deliver(&self, reply: &Reply) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, sender) in waiting.by_booking.remove(&reply.waiter).unwrap_or_default() {
            let _ = sender.send(reply.result.clone());
        }
    }

    /// Whether replies arrive, as far as is known.
    pub(crate) fn is_connected(&self) -> bool {
        !self.disconnected.load(Ordering::Relaxed)
    }

    /// Notes whether replies arrive; when that changes, every request looks for itself.
    pub(crate) fn set_connected(&self, connected: bool) {
        if self.disconnected.swap(!connected, Ordering::Relaxed) == connected {
            self.look_all();
        }
    }

    /// Replies may have been missed: every request should look for itself.
    pub(crate) fn look_all(&self) {
        self.missed.notify_waiters();
    }
}

impl Waiter {
    /// Waits for the reply, at most until `until`, or until the process is on its way out. While no reply can be heard, and after it
    /// was, it is time for a look every now and then.
    pub(crate) async fn wake(&mut self, until: Instant, ending: &CancellationToken) -> Woken {
        let replied = self.reply.is_terminated();
        let listens = !replied && self.all.is_connected();
        let next_look = if listens { until } else { until.min(Instant::now() + LOOK_EVERY) };
        tokio::select! {
            reply = &mut self.reply, if !replied => reply.map_or(Woken::Look, Woken::Reply),
            () = self.all.missed.notified() => Woken::Look,
            () = sleep_until(next_look) => if next_look < until { Woken::Look } else { Woken::End },
            () = ending.cancelled() => Woken::End,
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiting = self.all.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(senders) = waiting.by_booking.get_mut(&self.booking) {
            senders.retain(|(id, _)| *id != self.id);
            if senders.is_empty() {
                waiting.by_booking.remove(&self.booking);
            }
        }
        gauge!("gateway_waiters").decrement(1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use goticket_domain::booking::BookingState;

    use super::*;

    fn count(waiters: &Waiters) -> usize {
        waiters.waiting.lock().unwrap().by_booking.len()
    }

    #[tokio::test]
    async fn all_that_wait_for_a_booking_get_its_reply_and_none_stays() {
        let (waiters, ending, late) = (Arc::new(Waiters::default()), CancellationToken::new(), Instant::now() + 60 * LOOK_EVERY);
        let (booking, other) = (BookingId::generate(), BookingId::generate());
        let (mut a, mut b, c) = (waiters.register(booking), waiters.register(booking), waiters.register(other));
        let result = Answer::State { state: BookingState::Cancelled };
        waiters.deliver(&Reply { waiter: booking, result: result.clone() });
        assert_eq!(a.wake(late, &ending).await, Woken::Reply(result.clone()));
        assert_eq!(b.wake(late, &ending).await, Woken::Reply(result));
        drop((a, b));
        assert_eq!(count(&waiters), 1);
        drop(c);
        assert_eq!(count(&waiters), 0);
    }

    #[tokio::test]
    async fn who_cannot_hear_a_reply_any_more_looks_now_and_then_until_the_end() {
        let (waiters, ending) = (Arc::new(Waiters::default()), CancellationToken::new());
        let booking = BookingId::generate();
        let (mut replied, mut cut_off) = (waiters.register(booking), waiters.register(BookingId::generate()));
        waiters.deliver(&Reply { waiter: booking, result: Answer::Unknown });
        waiters.set_connected(false);
        let late = Instant::now() + 60 * LOOK_EVERY;
        assert_eq!(replied.wake(late, &ending).await, Woken::Reply(Answer::Unknown));
        for waiter in [&mut replied, &mut cut_off] {
            assert_eq!(waiter.wake(late, &ending).await, Woken::Look);
            assert_eq!(waiter.wake(Instant::now(), &ending).await, Woken::End);
        }
        ending.cancel();
        assert_eq!(cut_off.wake(late, &ending).await, Woken::End);
    }
}

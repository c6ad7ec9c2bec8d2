//! Requests that wait for the booking worker's reply, by the booking id their command was sent under.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use goticket_contracts::replies::Reply;
use goticket_domain::BookingId;
use goticket_domain::booking::Answer;
use metrics::gauge;
use tokio::sync::{Notify, oneshot};

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
    /// The reply. None where replies may have been missed: look, and come again.
    pub(crate) async fn reply(&mut self) -> Option<Answer> {
        tokio::select! {
            reply = &mut self.reply => match reply {
                Ok(result) => Some(result),
                // Only after the reply was taken, which callers don't do twice.
                Err(_) => std::future::pending().await,
            },
            () = self.all.missed.notified() => None,
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
        let waiters = Arc::new(Waiters::default());
        let (booking, other) = (BookingId::generate(), BookingId::generate());
        let (mut a, mut b, c) = (waiters.register(booking), waiters.register(booking), waiters.register(other));
        let result = Answer::State { state: BookingState::Cancelled };
        waiters.deliver(&Reply { waiter: booking, result: result.clone() });
        assert_eq!((a.reply().await, b.reply().await), (Some(result.clone()), Some(result)));
        drop((a, b));
        assert_eq!(count(&waiters), 1);
        drop(c);
        assert_eq!(count(&waiters), 0);
    }
}

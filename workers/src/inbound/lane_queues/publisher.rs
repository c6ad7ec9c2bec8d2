//! What follows a commit, beside the next batch: publishing, then acknowledging, batch after batch in their order.

use goticket_contracts::amqp::CommandKind;
use goticket_platform::amqp::Delivery;
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::JoinHandle,
};

use super::Fate;
use crate::outbound::{
    dead_letters::DeadLetters,
    seats::{Publication, SeatBoard},
};

/// Committed batches that may wait to be published; more, and the next one is not decided yet.
const WAITING_MAX: usize = 4;

/// A batch that was dealt with.
pub(super) struct Finished {
    pub(super) publications: Vec<Publication>,
    pub(super) fates: Vec<(CommandKind, Delivery, Fate)>,
    /// Everything that was delivered before on the same channel is done, too: one acknowledgement for all.
    pub(super) together: bool,
}

pub(super) struct Publisher {
    batches: Sender<Finished>,
    task: JoinHandle<()>,
}

impl Publisher {
    pub(super) fn start(board: SeatBoard, dead: DeadLetters) -> Self {
        let (batches, waiting) = channel(WAITING_MAX);
        Self { batches, task: tokio::spawn(run(waiting, board, dead)) }
    }

    /// Waits while too many are waiting.
    pub(super) async fn send(&self, finished: Finished) {
        // The other end lives until `finish`.
        let _ = self.batches.send(finished).await;
    }

    /// Waits until everything sent so far is published and acknowledged.
    pub(super) async fn idle(&self) {
        // All places are free only when nothing waits; the last batch may still be on its way, and is before the next.
        let _ = self.batches.reserve_many(WAITING_MAX).await;
    }

    /// Publishes and acknowledges what is waiting, and ends.
    pub(super) async fn finish(self) {
        drop(self.batches);
        if self.task.await.is_err() {
            tracing::error!("publishing a batch panicked: its messages come again");
        }
    }
}

async fn run(mut waiting: Receiver<Finished>, board: SeatBoard, dead: DeadLetters) {
    while let Some(Finished { publications, fates, together }) = waiting.recv().await {
        board.publish(&publications).await;
        let mut lifecycle = Vec::with_capacity(fates.len());
        let mut requests = Vec::with_capacity(fates.len());
        for (kind, delivery, fate) in fates {
            match kind {
                CommandKind::Lifecycle => lifecycle.push((delivery, fate)),
                CommandKind::Requests => requests.push((delivery, fate)),
            }
        }
        for batch in [lifecycle, requests] {
            finish(&batch, together, &dead).await;
        }
    }
}

/// One acknowledgement for all of a queue, if all can be acknowledged. What is handled alone is acknowledged alone: others that were
/// delivered before it may still be waiting for their turn.
async fn finish(batch: &[(Delivery, Fate)], together: bool, dead: &DeadLetters) {
    let mut acknowledge = Vec::with_capacity(batch.len());
    for (delivery, fate) in batch {
        match fate {
            Fate::Acknowledge => acknowledge.push(delivery),
            Fate::DeadLetter(why) => match dead.store(delivery, why).await {
                Ok(()) => acknowledge.push(delivery),
                // Without its reason, but not lost; and a message that came back would only die again.
                Err(error) => {
                    tracing::warn!(%error, why, "a dead letter goes without its reason");
                    let _ = delivery.nack(false).await;
                }
            },
            Fate::Leave => {}
        }
    }
    let mut lost = false;
    if together
        && acknowledge.len() == batch.len()
        && let [_, .., last] = acknowledge[..]
    {
        lost = last.ack_multiple().await.is_err();
    } else {
        for delivery in acknowledge {
            lost |= delivery.ack().await.is_err();
        }
    }
    if lost {
        tracing::warn!("a batch is committed but not acknowledged: its messages will come again and find their outcomes");
    }
}

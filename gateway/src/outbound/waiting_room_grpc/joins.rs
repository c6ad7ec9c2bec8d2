//! Joins share calls: while calls of an event are under way, those who come next gather. Of each event by itself, as a room that is slow
//! must not hold up those who join another one. A lone join waits for no one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use goticket_contracts::waiting_room as proto;
use goticket_contracts::waiting_room_convert::read_joined;
use goticket_domain::EventId;
use goticket_domain::queue::{JoinedPlace, QueueError};
use prost::Message as _;
use tokio::sync::oneshot;

use super::{Client, refused, timed, unreadable};

/// Joins of one call.
const TOGETHER_MAX: usize = 128;
/// What they show in it, in bytes; the last one may be beyond. With the longest of headers it is less than the longest request.
const TOGETHER_BYTES: usize = 64 * 1024;
/// Calls of one event at a time: one is written by the waiting room while the next one is on its way.
const CALLS_MAX: usize = 2;

type Answer = Result<JoinedPlace, QueueError>;

struct Join {
    request: proto::JoinRequest,
    answer: oneshot::Sender<Answer>,
}

/// Of one event.
#[derive(Default)]
struct Gathered {
    joins: Vec<Join>,
    calls: usize,
}

/// What is on its way to the waiting room, and what waits for it.
pub(super) struct Joins {
    client: Client,
    events: Mutex<HashMap<EventId, Gathered>>,
}

impl Joins {
    pub(super) fn new(client: Client) -> Self {
        Self { client, events: Mutex::default() }
    }

    /// Goes on where the caller gives up.
    pub(super) async fn join(self: &Arc<Self>, event: EventId, request: proto::JoinRequest) -> Answer {
        let (answer, answered) = oneshot::channel();
        let begin = {
            let mut events = self.events();
            let gathered = events.entry(event).or_default();
            gathered.joins.push(Join { request, answer });
            let begin = gathered.calls < CALLS_MAX;
            gathered.calls += usize::from(begin);
            begin
        };
        if begin {
            tokio::spawn(Arc::clone(self).send_all(event));
        }
        answered.await.unwrap_or(Err(QueueError::Unavailable))
    }

    /// One call after the other, until no one waits.
    async fn send_all(self: Arc<Self>, event: EventId) {
        while let Some(together) = self.next(event) {
            let joins = together.iter().map(|join| join.request.clone()).collect();
            let sent = self.client.clone().join_all(timed(proto::JoinAllRequest { joins })).await;
            match sent {
                Ok(reply) => tell(together, reply.into_inner().results),
                Err(status) => {
                    // Who waits for a waiting room that does not answer is told at once, not after one time-out more for each call.
                    let (error, behind) = (refused(status), self.take_all(event));
                    together.into_iter().chain(behind).for_each(|join| drop(join.answer.send(Err(error.clone()))));
                }
            }
        }
    }

    /// Those of the next call. None: no one waits, and the call is over.
    fn next(&self, event: EventId) -> Option<Vec<Join>> {
        let mut events = self.events();
        let gathered = events.get_mut(&event)?;
        let rest = gathered.joins.split_off(fitting(&gathered.joins));
        let together = std::mem::replace(&mut gathered.joins, rest);
        if !together.is_empty() {
            return Some(together);
        }
        gathered.calls -= 1;
        if gathered.calls == 0 {
            events.remove(&event);
        }
        None
    }

    fn take_all(&self, event: EventId) -> Vec<Join> {
        self.events().get_mut(&event).map(|gathered| std::mem::take(&mut gathered.joins)).unwrap_or_default()
    }

    fn events(&self) -> MutexGuard<'_, HashMap<EventId, Gathered>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many of the first go together.
fn fitting(joins: &[Join]) -> usize {
    let mut bytes = 0;
    let fits = |join: &&Join| {
        let before = bytes;
        bytes += join.request.encoded_len();
        before < TOGETHER_BYTES
    };
    joins.iter().take(TOGETHER_MAX).take_while(fits).count()
}

/// To each their own; an answer that is missing is one that cannot be read.
fn tell(together: Vec<Join>, results: Vec<proto::JoinResult>) {
    let mut results = results.into_iter();
    for join in together {
        let joined = read_joined(results.next().unwrap_or_default()).map_err(unreadable);
        // Whoever asked may have gone.
        let _ = join.answer.send(joined.and_then(|joined| joined));
    }
}

//! Group commit: what fans do at about the same time is written by one transaction. While one is under way, the next gathers.

use std::collections::HashSet;
use std::sync::Arc;

use goticket_domain::queue::{Entry, GroupRefusal, PlaceId, QueueError, slot_until_ms};
use tokio::sync::oneshot;

use super::counted::{Counted, Positions, Uncounted};
use super::room_log::RoomLog;
use crate::outbound::redis::Found;

/// Most that is written at once: a script of so many holds up polls for a few milliseconds.
const WRITTEN_AT_ONCE: usize = 1_000;

/// What a fan wants of their place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    /// To have it, if the line is not longer than this.
    Join {
        /// Longest line.
        line_max: u64,
        /// What is counted with it.
        counted: Counted,
    },
    /// To have its turn once more, if it is over: it passed, or its slot was not renewed.
    Defer,
    /// To make it a group's, where it stands in the lobby.
    MakeGroup {
        /// What is counted with it.
        counted: Counted,
    },
    /// To go into a group instead.
    EnterGroup {
        /// What is counted with it.
        counted: Counted,
    },
    /// To stand in a group no longer.
    QuitGroup {
        /// To have it alone again, and not to go.
        stay: bool,
        /// What is counted with it.
        counted: Counted,
    },
    /// To give it back; the slot of a session is free when what was given out for it has ended.
    Leave {
        /// What is counted with it.
        counted: Counted,
    },
    /// To go: a booking was confirmed at that time, Unix ms.
    Booked {
        /// By the database's clock.
        booked_ms: i64,
    },
    /// To know where it stands.
    Look,
    /// To go inside for so long, if it is its turn, or to go on there.
    Claim {
        /// The session, in milliseconds.
        session_ms: i64,
        /// How long a token buys that is given out for it now, leeway included, in milliseconds.
        buys_ms: i64,
    },
}

impl Change {
    /// What is counted with its entry. Who was inside has used the line that they chose.
    fn counted(self, entry: &Entry) -> Counted {
        match self {
            Self::Leave { counted } if matches!(entry, Entry::End { .. }) => Counted { unchosen: None, ..counted },
            Self::Join { counted, .. }
            | Self::MakeGroup { counted }
            | Self::EnterGroup { counted }
            | Self::QuitGroup { counted, .. }
            | Self::Leave { counted } => counted,
            Self::Defer | Self::Booked { .. } | Self::Look | Self::Claim { .. } => Counted::default(),
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changed {
    /// Where the place stood before.
    pub(super) before: Found,
    /// Where it stands now.
    pub(super) after: Found,
    /// The entry that was written for it; none where there was nothing to change.
    pub(super) entry: Option<u64>,
    /// The group's place in which the account stands, where nothing was written for that.
    pub(super) in_group: Option<PlaceId>,
}

impl Changed {
    /// There was nothing to change.
    pub(super) fn nothing(before: Found) -> Self {
        Self { before, after: before, entry: None, in_group: None }
    }
}

type Answer = Result<Changed, QueueError>;

#[derive(Debug)]
struct Request {
    place: PlaceId,
    change: Change,
    answer: oneshot::Sender<Answer>,
}

/// Requests that wait for the next transaction.
#[derive(Debug, Default)]
pub(super) struct Pending {
    requests: Vec<Request>,
    writing: bool,
}

/// A request that is being written, and where its place stood.
struct Written {
    request: Request,
    before: Found,
}

impl RoomLog {
    /// Changes a place, or finds that there is nothing to change. Goes on where the caller gives up.
    pub(super) async fn change(self: &Arc<Self>, place: PlaceId, change: Change) -> Answer {
        let (answer, answered) = oneshot::channel();
        let begin = {
            let mut pending = self.pending();
            pending.requests.push(Request { place, change, answer });
            !std::mem::replace(&mut pending.writing, true)
        };
        if begin {
            tokio::spawn(Arc::clone(self).write_all());
        }
        answered.await.unwrap_or(Err(QueueError::Unavailable))
    }

    /// Until no one waits.
    async fn write_all(self: Arc<Self>) {
        let _next = NextMayWrite(&self);
        loop {
            let batch = {
                let mut pending = self.pending();
                let (batch, left) = split(std::mem::take(&mut pending.requests));
                pending.requests = left;
                pending.writing = !batch.is_empty();
                batch
            };
            if batch.is_empty() {
                return;
            }
            self.write(batch).await;
        }
    }

    async fn write(&self, batch: Vec<Request>) {
        let places: Vec<PlaceId> = batch.iter().map(|request| request.place).collect();
        let found = match self.find(&places).await {
            Ok(found) => found,
            Err(error) => return answer_all(batch, &error),
        };
        let (now_ms, mut waiting) = (self.now_ms(), found.waiting);
        let (mut written, mut entries, mut counted) = (Vec::new(), Vec::new(), Vec::new());
        for (request, before) in batch.into_iter().zip(found.found) {
            match entry(&request, before, now_ms, waiting) {
                Ok(Some(entry)) => {
                    waiting += u64::from(matches!(entry, Entry::Join(_)));
                    counted.push(request.change.counted(&entry));
                    entries.push(entry);
                    written.push(Written { request, before });
                }
                Ok(None) => drop(request.answer.send(Ok(Changed::nothing(before)))),
                Err(error) => drop(request.answer.send(Err(error))),
            }
        }
        if entries.is_empty() {
            return;
        }
        let positions = match self.append_counted(entries, &counted).await {
            Ok(positions) => positions,
            Err(error) => return answer_all(written.into_iter().map(|written| written.request), &error),
        };
        let written = without_refused(written, positions);
        let places: Vec<PlaceId> = written.iter().map(|(_, written)| written.request.place).collect();
        if places.is_empty() {
            return;
        }
        match self.find(&places).await {
            Ok(found) => {
                for ((entry, Written { request, before }), after) in written.into_iter().zip(found.found) {
                    let _ = request.answer.send(Ok(Changed { before, after, entry: Some(entry), in_group: None }));
                }
            }
            Err(error) => answer_all(written.into_iter().map(|(_, written)| written.request), &error),
        }
    }
}

/// Tells those whose entries were not written; returns the others, and where theirs are.
fn without_refused(written: Vec<Written>, positions: Positions) -> Vec<(u64, Written)> {
    let mut left = Vec::with_capacity(written.len());
    for (written, position) in written.into_iter().zip(positions) {
        let answer = match position {
            Ok(position) => {
                left.push((position, written));
                continue;
            }
            Err(Uncounted::InGroup(place)) => Ok(Changed { in_group: Some(place), ..Changed::nothing(written.before) }),
            Err(Uncounted::Refused(error)) => Err(error),
        };
        let _ = written.request.answer.send(answer);
    }
    left
}

/// A panic must not leave a room in which everyone waits for somebody to write.
struct NextMayWrite<'a>(&'a RoomLog);

impl Drop for NextMayWrite<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.pending().writing = false;
        }
    }
}

/// What is to be written; none where there is nothing to change.
fn entry(request: &Request, stands: Found, now_ms: i64, waiting: u64) -> Result<Option<Entry>, QueueError> {
    use goticket_domain::queue::Standing::{Admitted, Inside, Lobby};
    let place = request.place;
    Ok(match (request.change, stands) {
        (Change::Join { .. }, Found::Here(_)) => None,
        (Change::Join { .. } | Change::Claim { .. } | Change::Defer, Found::Passed { once_more: true }) => {
            Some(Entry::Defer(place))
        }
        (Change::Defer, Found::Here(Inside { session, .. })) if !session.has_slot(now_ms) => Some(Entry::Defer(place)),
        (Change::Join { line_max, .. }, _) if waiting >= line_max => return Err(QueueError::Full),
        (Change::Join { .. }, _) => Some(Entry::Join(place)),
        // What these say means nothing where it is so already: whatever happens elsewhere at this moment, it is so afterwards.
        (Change::MakeGroup { .. }, Found::Here(Lobby { .. })) | (Change::QuitGroup { stay: true, .. }, _) => {
            Some(Entry::Join(place))
        }
        (Change::MakeGroup { .. }, Found::Here(_)) => return Err(GroupRefusal::Closed.into()),
        (Change::MakeGroup { .. }, _) => return Err(GroupRefusal::NoPlace.into()),
        // Another replica may renew it at this moment: the slot ends with the last token that the log has, whichever it is.
        (Change::Leave { .. }, Found::Here(Inside { session, .. })) => Some(Entry::End { place, until_ms: session.until_ms }),
        // Whoever goes into a group, or out of one and of the line, is said to, as above.
        (Change::Leave { .. }, Found::Here(_)) | (Change::EnterGroup { .. } | Change::QuitGroup { stay: false, .. }, _) => {
            Some(Entry::Leave(place))
        }
        (Change::Claim { session_ms, buys_ms }, Found::Here(Admitted { .. })) => {
            let until_ms = now_ms.saturating_add(session_ms);
            Some(Entry::Claim { place, until_ms, slot_ms: slot_until_ms(now_ms, buys_ms, until_ms) })
        }
        (Change::Claim { buys_ms, .. }, Found::Here(Inside { session, .. })) => {
            session.renewed_until_ms(now_ms, buys_ms).map(|slot_ms| Entry::Renew { place, slot_ms })
        }
        (Change::Booked { booked_ms }, Found::Here(Inside { session, .. })) if session.since_ms <= booked_ms => {
            Some(Entry::Booked { place, booked_ms })
        }
        (Change::Look | Change::Leave { .. } | Change::Booked { .. } | Change::Claim { .. } | Change::Defer, _) => None,
    })
}

/// Those to be written now: each place once, in the order in which they came.
fn split(requests: Vec<Request>) -> (Vec<Request>, Vec<Request>) {
    let mut places = HashSet::new();
    requests.into_iter().partition(|request| places.len() < WRITTEN_AT_ONCE && places.insert(request.place))
}

fn answer_all(requests: impl IntoIterator<Item = Request>, error: &QueueError) {
    for request in requests {
        let _ = request.answer.send(Err(error.clone()));
    }
}

//! Making a publication of what was decided and what is remembered.

use std::collections::BTreeSet;

use goticket_domain::{SeatNo, booking::Answer};

use super::{job::Job, memory::Remembered};
use crate::outbound::seats::{MapUpdate, Publication};

impl Publication {
    /// The reply to a command that was not decided.
    pub(super) fn only_reply(job: &Job, answer: Answer) -> Self {
        let mut publication = Self::new(job.event());
        publication.reply(job, answer);
        publication
    }

    pub(super) fn reply(&mut self, job: &Job, answer: Answer) {
        if let Some((gateway, reply)) = job.reply(answer) {
            self.replies.push((gateway.to_owned(), reply));
        }
    }
}

impl Remembered {
    /// What is to be published of the seats that a transaction changed, which left the lane at `version`.
    pub(super) fn map_update(&mut self, version: i64, seats: &BTreeSet<SeatNo>) -> Option<MapUpdate> {
        let whole = self.map.is_none();
        if seats.is_empty() && !whole {
            return None;
        }
        let previous = self.map.replace(version).unwrap_or(version);
        Some(MapUpdate {
            previous,
            version,
            changes: if whole { Vec::new() } else { seats.iter().map(|seat| (*seat, self.code(*seat))).collect() },
            whole: whole.then(|| self.bitmap()),
            counts: self.set.counts().collect(),
        })
    }
}

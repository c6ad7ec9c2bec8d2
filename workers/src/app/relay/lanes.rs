//! The lanes that a relay has, and where each of them stands.

use std::{collections::BTreeMap, time::Duration};

use goticket_domain::lane::LaneNo;
use goticket_storage::{
    leases::Lease,
    outbox::relay::{Cursor, Gap},
};
use tokio::time::Instant;

/// How long a lane in which a position is missing is left alone. Somebody has to put it right by hand.
const STOPPED_FOR: Duration = Duration::from_secs(10);

/// Every lane this relay has taken and not lost yet.
#[derive(Default)]
pub(super) struct Lanes(BTreeMap<LaneNo, Lane>);

struct Lane {
    epoch: i64,
    /// None until it is read, and after anything that leaves open where the cursor stands.
    position: Option<i64>,
    stopped_until: Option<Instant>,
}

impl Lanes {
    pub(super) fn gain(&mut self, lane: LaneNo, epoch: i64) {
        self.0.insert(lane, Lane { epoch, position: None, stopped_until: None });
    }

    pub(super) fn lose(&mut self, lane: LaneNo) {
        self.0.remove(&lane);
    }

    pub(super) fn has(&self, lane: LaneNo) -> bool {
        self.0.contains_key(&lane)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those whose cursors must be read: new ones, and those that were stopped for long enough.
    pub(super) fn unread(&mut self, now: Instant) -> Vec<Lease> {
        for lane in self.0.values_mut().filter(|lane| lane.stopped_until.is_some_and(|until| until <= now)) {
            (lane.position, lane.stopped_until) = (None, None);
        }
        let unread = self.0.iter().filter(|(_, lane)| lane.position.is_none() && lane.stopped_until.is_none());
        unread.map(|(no, lane)| Lease { key: *no, epoch: lane.epoch }).collect()
    }

    pub(super) fn stand_at(&mut self, lane: LaneNo, position: i64) {
        if let Some(lane) = self.0.get_mut(&lane) {
            lane.position = Some(position);
        }
    }

    /// Where the lanes stand, but for those that are stopped.
    pub(super) fn cursors(&self) -> Vec<Cursor> {
        let cursor = |(no, lane): (&LaneNo, &Lane)| {
            let position = lane.position.filter(|_| lane.stopped_until.is_none())?;
            Some(Cursor { lease: Lease { key: *no, epoch: lane.epoch }, position })
        };
        self.0.iter().filter_map(cursor).collect()
    }

    /// No one knows whether the cursors were moved.
    pub(super) fn doubt(&mut self) {
        for lane in self.0.values_mut() {
            lane.position = None;
        }
    }

    /// Leaves a lane alone for a while. Its domain events wait: published without the one that is missing they would tell a lie.
    pub(super) fn stop(&mut self, gap: Gap, now: Instant) {
        let Gap { lane, expected, found } = gap;
        tracing::error!(%lane, expected, ?found, "outbox: a position is missing, the lane's domain events wait");
        if let Some(lane) = self.0.get_mut(&lane) {
            lane.stopped_until = Some(now + STOPPED_FOR);
        }
    }

    pub(super) fn stopped(&self) -> usize {
        self.0.values().filter(|lane| lane.stopped_until.is_some()).count()
    }
}

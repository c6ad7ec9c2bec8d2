//! What the replica that owns the room decides by, and loses when it dies. What must not be lost is in the log's head.

use goticket_domain::queue::{
    AnnouncedPolls, AutoLimits, AutoRate, Bucket, EtaModel, Health, Limits, Pace, Shown, Spare, admissible,
};

use crate::inside::Inside;
use crate::scenario;
use crate::shown::Board;

/// What stands in the log's head and in the room's row: any replica goes on from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) bucket: Bucket,
    /// Turns that have come.
    pub(crate) admitted: u64,
    pub(crate) rate_per_min: u32,
    auto: Option<(AutoLimits, AutoRate)>,
}

/// A replica's memory of the room.
#[derive(Default)]
pub(crate) struct Owner {
    announced: AnnouncedPolls,
    pace: Pace,
    eta: Option<EtaModel>,
}

/// What it decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    /// How many may come.
    pub(crate) most: u64,
    /// The end of their claim window.
    pub(crate) claim_by_ms: i64,
}

impl Head {
    pub(crate) fn new(room: &scenario::Room) -> Self {
        let auto = room.auto.map(|auto| (auto.into(), AutoRate::start(auto.into(), 0)));
        let rate_per_min = auto.map_or(room.rate_per_min, |(_, rate)| rate.per_min());
        Self { bucket: Bucket::default(), admitted: 0, rate_per_min, auto }
    }

    /// A look at the pipeline.
    pub(crate) fn follow(&mut self, health: Health, now_ms: i64) {
        if let Some((limits, rate)) = &mut self.auto {
            *rate = rate.step(*limits, Some(health), now_ms);
            self.rate_per_min = rate.per_min();
        }
    }
}

impl Owner {
    /// Takes the room over: the last board says what fans were told, so no promise is taken back.
    pub(crate) fn after(last: Option<Board>) -> Self {
        Self { eta: last.and_then(|board| board.eta), ..Self::default() }
    }

    pub(crate) fn decide(
        &mut self,
        head: &mut Head,
        room: &scenario::Room,
        inside: Inside,
        waiting: u64,
        now_ms: i64,
    ) -> Decision {
        head.bucket = head.bucket.at(now_ms, head.rate_per_min, room.burst);
        let spare = inside.free.map(|free| Spare::counted(free, inside.undecided, head.admitted));
        let limits = Limits { inside: inside.slots, cap: room.active_cap.into(), spare };
        let most = admissible(head.bucket, limits).min(waiting);
        let set_ms = u64::from(room.claim_window_s) * 1_000;
        let window_ms = self.announced.claim_window_ms(set_ms, head.admitted + most, now_ms);
        Decision { most, claim_by_ms: now_ms.saturating_add_unsigned(window_ms) }
    }

    /// Makes a board; returns its model of the waiting time.
    pub(crate) fn show(&mut self, shown: Shown, head: &Head, moves: bool, now_ms: i64) -> Option<EtaModel> {
        self.announced.show(now_ms, shown, head.rate_per_min);
        let observed = self.pace.sample(now_ms, head.admitted, moves);
        if matches!(shown, Shown::Line { .. }) {
            self.eta = EtaModel::next(self.eta, head.rate_per_min, observed, now_ms);
        }
        self.eta
    }
}

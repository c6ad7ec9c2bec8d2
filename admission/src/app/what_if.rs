//! What a change would do to the time in which the line drains: checked like a change, told by the domain's model, never made.

use goticket_domain::EventId;
use goticket_domain::queue::{
    AutoRate, ControlChange, DrainTerms, LineNow, QueueError, RoomMode, RoomSettings, RoomState, WhatIf,
};
use serde_json::Value;

use super::set_control::{apply, check_groups, check_reason, difference};
use super::{WaitingRoomService, sql_failed};

impl WaitingRoomService {
    /// By the room as it stands and the board that is shown.
    pub(super) async fn foresee(&self, event: EventId, change: ControlChange) -> Result<WhatIf, QueueError> {
        check_reason(&change.reason)?;
        let known = self.reread(event).await?;
        let room = &known.room;
        if change.if_revision.is_some_and(|seen| seen != room.revision) {
            return Err(QueueError::ControlChanged);
        }
        let (state, settings) = apply(room, &change)?;
        check_groups(&mut *self.pool.acquire().await.map_err(sql_failed)?, room, &settings).await?;
        let shown = self.show(&known).await;
        let observed_per_min = self.last_board(event).await.ok().flatten().map_or(0, |shown| shown.board.observed_per_min);
        let line = LineNow { waiting: shown.waiting, inside: shown.active, observed_per_min };
        // A rate that becomes automatic begins again.
        let left = room.auto_rate.filter(|_| room.settings.auto.is_some());
        let (now, then) = (terms(room.state, &room.settings, left), terms(state, &settings, left));
        Ok(WhatIf {
            change: Value::Object(difference(room, state, &settings)).to_string(),
            waiting: line.waiting,
            now: line.drain(now),
            then: line.drain_after(now, then),
        })
    }
}

fn terms(state: RoomState, settings: &RoomSettings, left: Option<AutoRate>) -> DrainTerms {
    let bounds = settings.bounds(left);
    DrainTerms {
        moves: state.admits_fans(),
        rate_per_min: bounds.rate_per_min,
        auto: settings.auto.filter(|_| settings.mode == RoomMode::Queue),
        active_cap: bounds.active_cap,
        stay_max_s: settings.claim_window_s + settings.session_s,
    }
}

//! What operators see.

use goticket_domain::EventId;
use goticket_domain::queue::{HeldUp, QueueError, RoomControl, RoomState};

use super::WaitingRoomService;
use super::memory::facts;
use super::rooms::Known;

impl WaitingRoomService {
    /// Settings from Postgres, counts from Redis.
    pub(super) async fn read_control(&self, event: EventId) -> Result<RoomControl, QueueError> {
        let known = self.reread(event).await?;
        Ok(self.show(&known).await)
    }

    /// Redis away must not keep an operator from the controls: then they see the last counts that are known.
    pub(super) async fn show(&self, known: &Known) -> RoomControl {
        let room = &known.room;
        let mut control = RoomControl {
            event: room.event,
            state: room.state,
            settings: room.settings.clone(),
            revision: room.revision,
            rate_in_force_per_min: room.rate_per_min(),
            pipeline: self.pipeline_health(room.event).await,
            waiting: self.boards.get(room.event).map_or(0, |shown| shown.board.waiting),
            admitted: room.log.admitted,
            active: 0,
            held_up_by: None,
            would_wait: self.boards.get(room.event).and_then(|shown| shown.board.shadow).map(|line| line.waiting),
        };
        if matches!(room.state, RoomState::Scheduled | RoomState::Closed) {
            return control;
        }
        if let Ok(seen) = known.look(&known.room.log).await {
            (control.waiting, control.admitted, control.active) = (seen.waiting, seen.admitted, seen.inside);
            control.held_up_by = facts(room, &seen, known.memory().count_stock(&seen)).held_up_by();
        } else {
            control.held_up_by = Some(HeldUp::StoresAway);
        }
        control
    }
}

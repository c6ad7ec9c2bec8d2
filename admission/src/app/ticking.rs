//! Ticks all rooms of ours, again and again. One whose tick takes long (its line of millions is put in line, or filled again) is passed over
//! meanwhile and holds up no other room.

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use goticket_domain::EventId;
use goticket_domain::queue::RoomState;
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::WaitingRoomService;
use super::rooms::Known;

/// Rooms ticked at the same time.
pub(super) const ROOMS_AT_ONCE: usize = 32;

impl WaitingRoomService {
    /// Until the end; ticks that were begun are finished.
    pub(super) async fn keep_ticking(&self, every: Duration, end: CancellationToken) {
        let mut beats = interval(every);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (turns, mut busy, mut under_way) = (Semaphore::new(ROOMS_AT_ONCE), HashSet::new(), FuturesUnordered::new());
        loop {
            tokio::select! {
                () = end.cancelled() => break,
                _ = beats.tick() => {}
                Some(ticked) = under_way.next() => {
                    busy.remove(&ticked);
                    continue;
                }
            }
            let mut reading = pin!(self.refresh_rooms());
            loop {
                // Beside the ticks: one that stood still now would keep its connection, which this may be waiting for.
                tokio::select! {
                    () = &mut reading => break,
                    Some(ticked) = under_way.next() => {
                        busy.remove(&ticked);
                    }
                }
            }
            for (event, epoch) in self.ownership.rooms() {
                if !busy.contains(&event) && self.may_have_something_to_do(event, epoch) {
                    busy.insert(event);
                    under_way.push(Box::pin(self.tick_in_turn(event, epoch, &turns)));
                }
            }
        }
        while under_way.next().await.is_some() {}
    }

    async fn tick_in_turn(&self, event: EventId, epoch: i64, turns: &Semaphore) -> EventId {
        // It is never closed.
        let _turn = turns.acquire().await;
        self.tick(event, epoch).await;
        event
    }

    /// Of a thousand rooms most are idle: they cost nothing but this.
    fn may_have_something_to_do(&self, event: EventId, epoch: i64) -> bool {
        self.rooms.get(event).is_none_or(|known| !is_idle(&known, epoch, self.board_every))
    }
}

fn is_idle(known: &Known, epoch: i64, board_every: Duration) -> bool {
    let room = &known.room;
    let looked_after = !matches!(room.state, RoomState::Scheduled | RoomState::Closed) && room.settings.auto.is_none();
    looked_after && !known.memory().is_due(room, epoch, known.log.now_ms(), board_every)
}

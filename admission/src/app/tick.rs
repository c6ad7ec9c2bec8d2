//! The tick: reads the rooms, admits the front of every line of ours, and makes the boards.
//!
//! Who is admitted is written down before anybody learns it. Only a room's owner admits; of two that both take themselves for the owner,
//! the log listens to one.

use std::sync::atomic::Ordering;

use futures::StreamExt as _;
use futures::stream;
use goticket_domain::EventId;
use goticket_domain::queue::{
    Board, BoardDraw, Entry, LobbyHead, Phase, Pivots, QueueError, RoomState, ShadowLine, deferred_first,
};
use goticket_storage::queue_log::{Admission, Decided, Head};
use goticket_storage::rooms::{Prices, Room, owners};
use jiff::Timestamp;

use super::draw::KnownDraw;
use super::memory::{Version, facts, turns};
use super::place::at;
use super::prices::priced;
use super::rooms::Known;
use super::ticking::ROOMS_AT_ONCE;
use super::{WaitingRoomService, redis_failed, storage_failed};
use crate::outbound::redis::{Outline, Snapshot};

/// Most fans admitted by one tick: the highest rate at the slowest sensible tick, and a few milliseconds of script.
const ADMIT_MAX: u64 = 5_000;

impl WaitingRoomService {
    /// Everything a replica does by itself, once: what the loops of [`crate::start`] repeat, and tests call. Looks at every room of ours,
    /// whatever it saw before.
    pub async fn tick_once(&self) {
        self.share_rooms().await;
        self.refresh_rooms().await;
        self.rooms.all().iter().for_each(|known| known.memory().forget_look());
        self.keep_schedule().await;
        self.admit_all().await;
        self.write_intervals().await;
        // Without Redis the boards of before stay.
        let _ = self.read_boards().await;
    }

    /// Reads all rooms. Without Postgres the settings read last stay in force, and no one is admitted.
    pub async fn refresh_rooms(&self) {
        let read = self.rooms.refresh().await;
        if self.blind.swap(read.is_err(), Ordering::Relaxed) != read.is_err() {
            match &read {
                Ok(()) => tracing::info!("the rooms can be read again"),
                Err(error) => tracing::warn!(%error, "the rooms cannot be read: no one is admitted"),
            }
        }
        self.boards.retain(|event| self.rooms.get(event).is_some());
    }

    /// Ticks every room of ours in which there is anything to do.
    pub async fn admit_all(&self) {
        stream::iter(self.ownership.rooms()).for_each_concurrent(ROOMS_AT_ONCE, |(event, epoch)| self.tick(event, epoch)).await;
    }

    pub(super) async fn tick(&self, event: EventId, epoch: i64) {
        let Ok(known) = self.room(event).await else { return };
        let result = self.tick_room(&known, epoch).await;
        if std::mem::replace(&mut known.memory().failing, result.is_err()) != result.is_err() {
            match &result {
                Ok(()) => tracing::info!(%event, "the room ticks again"),
                Err(error) => tracing::warn!(%event, %error, "the room does not tick"),
            }
        }
    }

    pub(super) async fn tick_room(&self, known: &Known, epoch: i64) -> Result<(), QueueError> {
        let _turn = known.ticking.lock().await;
        let known = &self.follow_pipeline(known, epoch).await?;
        let room = &known.room;
        match room.state {
            RoomState::Scheduled => return self.publish(known, epoch, without_line(known)?).await,
            RoomState::Closed => return self.clear_up(known, epoch).await,
            _ if !known.memory().is_due(room, epoch, known.log.now_ms(), self.board_every) => return Ok(()),
            _ => {}
        }
        let interval_ended = known.interval_ended();
        let still = known.memory().still_sees(room, epoch, known.log.now_ms()).filter(|_| interval_ended.is_none());
        let looked = still.is_none();
        let (seen, outline) = match still {
            Some(still) => still,
            None => self.look_and_admit(known, epoch, interval_ended).await?,
        };
        self.recall_promises(known, epoch).await?;
        let prices = self.prices(known).await?;
        let mut board = board(known, &seen, outline.clone(), &prices)?;
        if self.close_if_sold_out(known, epoch, board.held_up_by).await? {
            // The next tick clears it up.
            return Ok(());
        }
        if let Some(draw) = board.draw.as_mut().filter(|draw| draw.lobby.is_none()) {
            draw.lobby = self.open_lobby(known, &seen).await?;
        }
        if looked {
            known.memory().looked(epoch, Version::of(room), seen, outline);
        }
        self.publish(known, epoch, board).await
    }

    /// What is to be seen of the room after those were admitted who may be; `interval_ended`: of the statistics.
    async fn look_and_admit(
        &self,
        known: &Known,
        epoch: i64,
        interval_ended: Option<i64>,
    ) -> Result<(Snapshot, Outline), QueueError> {
        let mut seen = known.look(&known.room.log).await?;
        if let Some(at_ms) = interval_ended {
            self.count(known, epoch, at_ms, &seen);
        }
        if let Some(after) = admit(known, epoch, &seen).await? {
            seen = after;
        }
        let outline = outline(known, &seen).await?;
        Ok((seen, outline))
    }

    /// What the last board said of waiting times, where another owner made it: as it is shown here, or as Redis has it.
    async fn recall_promises(&self, known: &Known, epoch: i64) -> Result<(), QueueError> {
        if known.memory().knows_promises(epoch) {
            return Ok(());
        }
        let event = known.room.event;
        let (shown, published) = (self.boards.get(event), self.last_board(event).await?);
        let last = match (&shown, &published) {
            (Some(shown), Some(published)) if shown.version > published.version => Some(&shown.board),
            (_, Some(published)) => Some(&published.board),
            (Some(shown), None) => Some(&shown.board),
            (None, None) => None,
        };
        known.memory().promised(epoch, last);
        Ok(())
    }

    /// Its head; none for the moment between its last entry and its last head.
    async fn open_lobby(&self, known: &Known, seen: &Snapshot) -> Result<Option<LobbyHead>, QueueError> {
        match seen.phase {
            Phase::Lobby => self.lobby_head(known, seen.applied).await.map(Some),
            Phase::Closed | Phase::Drawn => Ok(None),
        }
    }

    /// A closed room's keys go, and with them the work of its owner; its last board stays.
    async fn clear_up(&self, known: &Known, epoch: i64) -> Result<(), QueueError> {
        let event = known.room.event;
        self.publish(known, epoch, without_line(known)?).await?;
        self.lines.close(event).await.map_err(|error| redis_failed(&error))?;
        if owners::dismiss(&self.pool, event, epoch).await.map_err(storage_failed)? {
            self.ownership.forget(event);
            measure(event, 0, 0, 0);
        }
        Ok(())
    }
}

/// For the metrics: of all replicas together, the owner alone says something.
#[expect(clippy::cast_precision_loss, reason = "gauges of people")]
pub(super) fn measure(event: EventId, waiting: u64, inside: u64, rate_per_min: u32) {
    let label = event.to_string();
    metrics::gauge!("admission_waiting", "event" => label.clone()).set(waiting as f64);
    metrics::gauge!("admission_active", "event" => label.clone()).set(inside as f64);
    metrics::gauge!("admission_rate_per_min", "event" => label).set(f64::from(rate_per_min));
}

#[expect(clippy::cast_precision_loss, reason = "a gauge of people")]
fn measure_shadow(event: EventId, line: ShadowLine) {
    metrics::gauge!("admission_would_wait", "event" => event.to_string()).set(line.waiting as f64);
}

/// Admits as many as may be, and looks again. None where that is no one, or what was decided with is not so any more.
async fn admit(known: &Known, epoch: i64, seen: &Snapshot) -> Result<Option<Snapshot>, QueueError> {
    let (room, bounds) = (&known.room, known.room.bounds());
    let now_ms = known.log.now_ms();
    if !room.state.admits_fans() || seen.phase != Phase::Drawn || seen.waiting == 0 {
        return Ok(None);
    }
    let spare = known.spare(seen).await?;
    let most = turns(room, seen, spare, now_ms).min(ADMIT_MAX);
    let (of_deferred, _) = deferred_first(most, seen.deferred);
    let deferred = known.log.reach_deferred(of_deferred).await?;
    let of_line = most - deferred.map_or(0, |(_, turns)| turns);
    let front = known.log.reach(of_line).await?;
    let turns: u64 = [deferred, front].into_iter().flatten().map(|(_, turns)| turns).sum();
    if turns == 0 {
        return Ok(None);
    }
    let set_ms = u64::from(room.settings.claim_window_s) * 1_000;
    let claim_by_ms =
        now_ms.saturating_add_unsigned(known.memory().announced.claim_window_ms(set_ms, seen.admitted + turns, now_ms));
    // As late as may be: what is decided counts from when it is written.
    let bucket = room.log.bucket.at(known.log.now_ms(), bounds.rate_per_min, bounds.burst).without(turns);
    let admission = Some(Admission { epoch, bucket, turns, through: front.map(|(through, _)| through) });
    let decided = Decided { decisions: room.log.decisions, admission };
    let entries = [
        deferred.map(|(through, _)| Entry::AdmitDeferred { through, claim_by_ms }),
        front.map(|(through, _)| Entry::Admit { through, claim_by_ms }),
    ];
    let written = known.log.append(entries.into_iter().flatten().collect(), Some(decided)).await?;
    let Some(segment) = written else { return Ok(None) };
    metrics::counter!("admission_admitted_total").increment(turns);
    let head = Head { size: segment.end(), hash: segment.hash, ..room.log };
    known.look(&head).await.map(Some)
}

async fn outline(known: &Known, seen: &Snapshot) -> Result<Outline, QueueError> {
    match seen.phase {
        Phase::Lobby => Ok(Outline {
            applied: seen.applied,
            waiting: seen.waiting,
            frontier: seen.frontier,
            passed: None,
            deferred_frontier: None,
            deferred_passed: None,
            pivots: Pivots::default(),
        }),
        Phase::Closed | Phase::Drawn => known.log.outline(seen.waiting).await,
    }
}

fn board(known: &Known, seen: &Snapshot, outline: Outline, prices: &Prices) -> Result<Board, QueueError> {
    measure(known.room.event, seen.waiting, seen.inside, known.room.rate_per_min());
    let now_ms = known.log.now_ms();
    let (observed_per_min, eta) = known.memory().shown(now_ms, &known.room, seen);
    let shadow = known.memory().would_wait(now_ms, &known.room, seen);
    if let Some(line) = shadow {
        measure_shadow(known.room.event, line);
    }
    Ok(Board {
        log: outline.applied,
        waiting: outline.waiting,
        admitted: seen.admitted,
        frontier: outline.frontier,
        passed: outline.passed,
        deferred_frontier: outline.deferred_frontier,
        deferred_passed: outline.deferred_passed,
        observed_per_min,
        pivots: outline.pivots,
        availability: priced(&seen.availability, prices),
        eta,
        held_up_by: facts(&known.room, seen, known.memory().count_stock(seen)).held_up_by(),
        inside: seen.inside,
        shadow,
        currency: (!prices.categories.is_empty()).then_some(prices.currency),
        ..still_board(&known.room, known.draw.as_deref(), at(now_ms)?)
    })
}

/// Of a room that has no line, as of now.
fn without_line(known: &Known) -> Result<Board, QueueError> {
    Ok(still_board(&known.room, known.draw.as_deref(), at(known.log.now_ms())?))
}

/// What Postgres alone can say.
pub(super) fn still_board(room: &Room, draw: Option<&KnownDraw>, at: Timestamp) -> Board {
    Board {
        event: room.event,
        state: room.state,
        at,
        log: room.log.size,
        lobby_opens_at: room.lobby_opens_at,
        onsale_at: room.onsale_at,
        waiting: 0,
        admitted: room.log.admitted,
        frontier: room.log.frontier,
        passed: None,
        deferred_frontier: None,
        deferred_passed: None,
        rate_per_min: room.rate_per_min(),
        observed_per_min: 0,
        draw: draw.map(|draw| BoardDraw {
            terms: draw.terms().clone(),
            lobby: draw.stored.closed.clone(),
            seed: draw.stored.outcome.as_ref().map(|outcome| outcome.seed),
        }),
        pivots: Pivots::default(),
        availability: Vec::new(),
        selling: room.settings.selling,
        message: room.settings.message.clone(),
        control_log: room.control_log.clone(),
        eta: None,
        held_up_by: None,
        inside: 0,
        currency: None,
        categories: room.sells.clone(),
        when_down: room.settings.when_down,
        shadow: None,
    }
}

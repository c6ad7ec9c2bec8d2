//! Coming back inside: a session whose slot is over, because it was not renewed, takes one again.
//!
//! That is decided like an admission, by any replica: with what the room's log says, and written only if no turn came and no setting
//! was changed since. So never more are inside than the cap.

use goticket_domain::EventId;
use goticket_domain::queue::{Entry, Limits, PlaceId, QueueError, Session, Standing, may_resume, slot_until_ms};
use goticket_storage::queue_log::Decided;

use super::WaitingRoomService;
use super::group_commit::Change;
use super::room_log::SETTLES_MS;
use super::rooms::Known;
use crate::outbound::redis::Found;

/// How often it may be decided with what is not so any more, because turns came meanwhile, before we give up.
const ATTEMPTS: u32 = 3;

impl WaitingRoomService {
    /// The session with its new slot.
    pub(super) async fn resume_session(&self, event: EventId, place: PlaceId) -> Result<Session, QueueError> {
        let known = self.room(event).await?;
        let _turn = known.log.resuming.lock().await;
        for _ in 0..ATTEMPTS {
            // In this order: what is seen is not older than what is decided with.
            let known = self.reread(event).await?;
            let seen = known.look(&known.room.log).await?;
            let spare = known.spare(&seen).await?;
            let stands = session(&known, place).await?;
            let now_ms = known.log.now_ms();
            // Their own, where it was over a moment ago.
            let unsettled = u64::from(stands.slot_ms > now_ms - SETTLES_MS);
            let inside = seen.inside.saturating_sub(unsettled);
            let limits = Limits { inside, cap: u64::from(known.room.settings.active_cap), spare };
            if stands.has_slot(now_ms) {
                // From another tab, a moment ago.
                return Ok(stands);
            }
            if !may_resume(limits) {
                return Err(defer(&known, place).await?);
            }
            let resume = Entry::Resume { place, slot_ms: slot_until_ms(now_ms, self.buys_ms(), stands.until_ms) };
            let decided = Decided { decisions: known.room.log.decisions, admission: None };
            if known.log.append(vec![resume], Some(decided)).await?.is_some() {
                metrics::counter!("admission_resumed_total").increment(1);
                return session(&known, place).await;
            }
        }
        Err(QueueError::Unavailable)
    }
}

/// For want of room: their turn comes once more, as if it had passed, unless it did before.
async fn defer(known: &Known, place: PlaceId) -> Result<QueueError, QueueError> {
    if known.log.was_deferred(place).await? {
        return Ok(QueueError::NoRoomInside);
    }
    match known.log.change(place, Change::Defer).await?.after {
        Found::Here(Standing::Deferred(_)) => known.log.deferred(place).await,
        _ => Ok(QueueError::NoRoomInside),
    }
}

/// Where it still lasts.
async fn session(known: &Known, place: PlaceId) -> Result<Session, QueueError> {
    match known.log.find(&[place]).await?.found.first() {
        Some(Found::Here(Standing::Inside { session, .. })) => Ok(*session),
        _ => Err(QueueError::NotInLine),
    }
}

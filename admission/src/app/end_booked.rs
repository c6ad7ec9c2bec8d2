//! Whose booking is confirmed has what they came for: their session ends, and the line does not wait for them any more.
//!
//! The booking pipeline tells it on Kafka, at least once and at any time. An entry of the room's log says when the booking was confirmed, and
//! ends no session that began later: so it may be told again, by whichever replica, to the same result.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use goticket_contracts::events::{BookingFact, DomainEvent};
use goticket_domain::queue::{QueueError, RoomState};
use goticket_domain::{AccountId, EventId};

use super::WaitingRoomService;
use super::group_commit::Change;

/// Confirmations that are dealt with together, and share commits.
const AT_ONCE: usize = 256;

impl WaitingRoomService {
    /// Ends the sessions in which these bookings were made, in the log before this returns; returns how many those were.
    pub async fn end_booked(&self, events: &[DomainEvent]) -> Result<usize, QueueError> {
        let confirmed: Vec<_> = events.iter().filter_map(confirmed).collect();
        let ended: Vec<bool> = stream::iter(confirmed)
            .map(|(event, account, booked_ms)| self.end_session(event, account, booked_ms))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let ended = ended.into_iter().filter(|ended| *ended).count();
        metrics::counter!("admission_booked_total").increment(ended as u64);
        Ok(ended)
    }

    /// In whichever of the event's lines it began. False where nothing of theirs was to be ended: most bookings are paid for after the session.
    async fn end_session(&self, event: EventId, account: AccountId, booked_ms: i64) -> Result<bool, QueueError> {
        match self.room(event).await {
            Ok(_) => {}
            Err(QueueError::UnknownEvent) => return Ok(false),
            Err(error) => return Err(error),
        }
        let mut ended = false;
        for known in self.rooms.those(|known| known.room.seats_of == event) {
            if !matches!(known.room.state, RoomState::Scheduled | RoomState::Closed) {
                let place = self.place_of(known.room.event, account);
                ended |= known.log.change(place, Change::Booked { booked_ms }).await?.entry.is_some();
            }
        }
        Ok(ended)
    }
}

/// Of which event, whose, and when.
fn confirmed(event: &DomainEvent) -> Option<(EventId, AccountId, i64)> {
    match event.fact {
        BookingFact::BookingConfirmed { account, .. } => Some((event.subject, account, event.time.as_millisecond())),
        _ => None,
    }
}

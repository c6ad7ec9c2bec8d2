//! Where a place stands exactly, and putting it back where Redis has lost it.

use goticket_domain::queue::{ClaimedPlace, PlaceTicket, QueueError};
use goticket_domain::{AccountId, EventId};
use jiff::Timestamp;

use super::{WaitingRoomService, redis_failed};
use crate::outbound::redis::{PlaceAnswer, RestoreAnswer};

impl WaitingRoomService {
    /// Where the ticket's place stands.
    pub(super) async fn find_place(&self, event: EventId, account: AccountId, signed: &str) -> Result<ClaimedPlace, QueueError> {
        let ticket = self.ticket(event, account, signed)?;
        match self.look_up(&ticket).await? {
            PlaceAnswer::Waiting { score, ahead } => Ok(ClaimedPlace::Waiting { score, ahead }),
            PlaceAnswer::Admitted { claim_by_ms } => Ok(ClaimedPlace::Admitted { claim_by: at(claim_by_ms)? }),
            PlaceAnswer::Inside { until_ms } => Ok(ClaimedPlace::Inside { until: at(until_ms)? }),
            PlaceAnswer::Lobby => Err(QueueError::NotDrawn),
            PlaceAnswer::Passed | PlaceAnswer::Over | PlaceAnswer::Missing { .. } => Ok(ClaimedPlace::Gone),
            PlaceAnswer::Cold => Err(QueueError::Unavailable),
        }
    }

    /// Looks the place up. One that is missing from a later epoch than the ticket's was lost by Redis: it is put back first. So is
    /// one that stands further back than its ticket says: its fan joined again before they showed it.
    pub(super) async fn look_up(&self, ticket: &PlaceTicket) -> Result<PlaceAnswer, QueueError> {
        let (event, place) = (ticket.event, ticket.place);
        let answer = self.warm(event, || self.lines.place(event, place)).await?;
        let room = self.room(event).await?.room;
        let (score, window_s) = (ticket.score(room.seed.as_ref()), room.settings.claim_window_s);
        let may_be_lost = match answer {
            PlaceAnswer::Missing { epoch } => ticket.epoch < epoch,
            PlaceAnswer::Waiting { score: stands, .. } => score.is_some_and(|score| score < stands),
            // Unless they joined again after they went, which Redis may have lost as well.
            PlaceAnswer::Passed | PlaceAnswer::Over => ticket.epoch < room.epoch,
            _ => false,
        };
        if !may_be_lost {
            return Ok(answer);
        }
        match self.warm(event, || self.lines.restore(ticket, score, window_s)).await? {
            // Its draw is being made, or was made a moment ago.
            RestoreAnswer::Undrawn => return Ok(PlaceAnswer::Lobby),
            RestoreAnswer::Restored => metrics::counter!("admission_places_restored_total").increment(1),
            RestoreAnswer::Known | RestoreAnswer::Cold => {}
        }
        self.lines.place(event, place).await.map_err(|error| redis_failed(&error))
    }
}

/// A time as Redis keeps it.
pub(super) fn at(ms: i64) -> Result<Timestamp, QueueError> {
    Timestamp::from_millisecond(ms).map_err(|error| {
        tracing::error!(%error, ms, "Redis holds a time that is none");
        QueueError::Unavailable
    })
}

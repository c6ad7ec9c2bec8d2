//! Where a place stands exactly.

use goticket_domain::queue::{ClaimedPlace, QueueError, Standing};
use goticket_domain::{AccountId, EventId};
use jiff::Timestamp;

use super::WaitingRoomService;
use super::join::refuse_without_line;
use crate::outbound::redis::Found;

impl WaitingRoomService {
    /// Where the ticket's place stands.
    pub(super) async fn find_place(&self, event: EventId, account: AccountId, signed: &str) -> Result<ClaimedPlace, QueueError> {
        let ticket = self.ticket(event, account, signed)?;
        let known = self.room(event).await?;
        refuse_without_line(&known)?;
        match known.log.find(&[ticket.place]).await?.found.first() {
            Some(Found::Here(Standing::Waiting(score))) => {
                Ok(ClaimedPlace::Waiting { score: *score, ahead: known.log.ahead_of(ticket.place).await? })
            }
            Some(Found::Here(Standing::Deferred(score))) => {
                Ok(ClaimedPlace::Waiting { score: *score, ahead: known.log.deferred_ahead_of(ticket.place).await? })
            }
            Some(Found::Here(Standing::Admitted { claim_by_ms, .. })) => {
                Ok(ClaimedPlace::Admitted { claim_by: at(*claim_by_ms)? })
            }
            Some(Found::Here(Standing::Inside { session, .. })) => Ok(ClaimedPlace::Inside { until: at(session.until_ms)? }),
            Some(Found::Here(Standing::Lobby { .. })) => Err(QueueError::NotDrawn),
            Some(Found::Passed { .. } | Found::Over | Found::Nowhere) | None => Ok(ClaimedPlace::Gone),
        }
    }
}

/// A time as the log has it.
pub(super) fn at(ms: i64) -> Result<Timestamp, QueueError> {
    Timestamp::from_millisecond(ms).map_err(|error| {
        tracing::error!(%error, ms, "the log holds a time that is none");
        QueueError::Unavailable
    })
}

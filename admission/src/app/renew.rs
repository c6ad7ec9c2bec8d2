//! A drawn place's ticket in the place of the one from its lobby.

use goticket_domain::queue::{PlaceTicket, QueueError, RenewedTicket, Standing};
use goticket_domain::{AccountId, EventId};

use super::WaitingRoomService;
use super::join::refuse_without_line;
use crate::outbound::redis::Found;

impl WaitingRoomService {
    /// The ticket says where its place stands for good; the one that was shown goes on being good for claims.
    pub(super) async fn renew_ticket(
        &self,
        event: EventId,
        account: AccountId,
        signed: &str,
    ) -> Result<RenewedTicket, QueueError> {
        let shown = self.ticket(event, account, signed)?;
        let known = self.room(event).await?;
        refuse_without_line(&known)?;
        let score = match known.log.find(&[shown.place]).await?.found.first() {
            Some(Found::Here(
                Standing::Waiting(score)
                | Standing::Deferred(score)
                | Standing::Admitted { score, .. }
                | Standing::Inside { score, .. },
            )) => *score,
            Some(Found::Here(Standing::Lobby { .. })) => return Err(QueueError::NotDrawn),
            Some(Found::Passed { .. }) => return Err(QueueError::ClaimWindowPassed),
            Some(Found::Over | Found::Nowhere) | None => return Err(QueueError::NotInLine),
        };
        let ticket = PlaceTicket { kind: score.kind(), issued_at_ms: known.log.now_ms(), ..shown };
        Ok(RenewedTicket { signed: self.place_keys.sign(&ticket), ticket })
    }
}

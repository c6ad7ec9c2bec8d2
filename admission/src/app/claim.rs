//! From admitted to inside: the fan whose turn it is gets their entry token.

use goticket_domain::queue::{Claimed, PlaceTicket, QueueError, Standing};
use goticket_domain::{AccountId, EventId};

use super::WaitingRoomService;
use super::group_commit::Change;
use super::join::refuse_without_line;
use super::place::at;
use crate::outbound::redis::Found;

impl WaitingRoomService {
    /// Begins the session, or finds it again: the same end, whoever asks how often.
    pub(super) async fn claim_place(&self, event: EventId, account: AccountId, signed: &str) -> Result<Claimed, QueueError> {
        let ticket = self.ticket(event, account, signed)?;
        let known = self.room(event).await?;
        refuse_without_line(&known.room)?;
        let session_ms = i64::from(known.room.settings.session_s) * 1_000;
        match known.log.change(ticket.place, Change::Claim { session_ms }).await?.after {
            Found::Here(Standing::Inside { until_ms, .. }) => self.let_in(&ticket, known.log.now_ms(), until_ms),
            Found::Here(Standing::Waiting(_)) => Err(QueueError::NotYourTurn { ahead: known.log.ahead_of(ticket.place).await? }),
            Found::Here(Standing::Lobby { .. }) => Err(QueueError::NotDrawn),
            Found::Passed => Err(QueueError::ClaimWindowPassed),
            Found::Over | Found::Nowhere => Err(QueueError::NotInLine),
            // It was admitted a moment ago, after it had been found waiting.
            Found::Here(Standing::Admitted { .. }) => Err(QueueError::Unavailable),
        }
    }

    fn let_in(&self, ticket: &PlaceTicket, now_ms: i64, until_ms: i64) -> Result<Claimed, QueueError> {
        let (now, expires_at) = (at(now_ms)?, at(until_ms)?);
        let entry_token = self.entry_signer.issue(ticket.event, ticket.account, ticket.place, now, expires_at);
        Ok(Claimed { entry_token, expires_at })
    }
}

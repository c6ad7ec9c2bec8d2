//! From admitted to inside: the fan whose turn it is gets an entry token, and again a new one as long as the session lasts.

use goticket_domain::queue::{Claimed, PlaceTicket, QueueError, Standing};
use goticket_domain::{AccountId, EventId};
use goticket_tokens::ENTRY_LEEWAY_SECONDS;

use super::WaitingRoomService;
use super::group_commit::Change;
use super::join::refuse_without_line;
use super::place::at;
use crate::outbound::redis::Found;

/// How much longer than it says an entry token may buy where clocks differ.
pub(super) const LEEWAY_MS: i64 = ENTRY_LEEWAY_SECONDS * 1_000;

impl WaitingRoomService {
    /// Begins the session, or finds it again: the same end, whoever asks how often; each time with a token that ends later, but never
    /// after the session.
    pub(super) async fn claim_place(&self, event: EventId, account: AccountId, signed: &str) -> Result<Claimed, QueueError> {
        let ticket = self.ticket(event, account, signed)?;
        let known = self.room(event).await?;
        refuse_without_line(&known.room)?;
        // Before it is looked for: who leaves after that keeps the slot as long as this token buys.
        let now_ms = known.log.now_ms();
        let session_ms = i64::from(known.room.settings.session_s) * 1_000;
        match known.log.change(ticket.place, Change::Claim { session_ms }).await?.after {
            Found::Here(Standing::Inside { until_ms, .. }) => self.let_in(&ticket, now_ms, until_ms),
            Found::Here(Standing::Waiting(_)) => Err(QueueError::NotYourTurn { ahead: known.log.ahead_of(ticket.place).await? }),
            Found::Here(Standing::Lobby { .. }) => Err(QueueError::NotDrawn),
            Found::Passed => Err(QueueError::ClaimWindowPassed),
            Found::Over | Found::Nowhere => Err(QueueError::NotInLine),
            // It was admitted a moment ago, after it had been found waiting.
            Found::Here(Standing::Admitted { .. }) => Err(QueueError::Unavailable),
        }
    }

    fn let_in(&self, ticket: &PlaceTicket, now_ms: i64, until_ms: i64) -> Result<Claimed, QueueError> {
        // Whole seconds, as tokens have them: cut, not rounded.
        let seconds = |ms: i64| at(ms.div_euclid(1_000) * 1_000);
        let (now, session_ends_at) = (seconds(now_ms)?, at(until_ms)?);
        let expires_at = seconds((now_ms + self.token_ms).min(until_ms - LEEWAY_MS))?;
        if expires_at <= now {
            // What is left of the session is less than clocks may differ.
            return Err(QueueError::NotInLine);
        }
        let entry_token = self.entry_signer.issue(ticket.event, ticket.account, ticket.place, now, expires_at);
        Ok(Claimed { entry_token, expires_at, session_ends_at })
    }
}

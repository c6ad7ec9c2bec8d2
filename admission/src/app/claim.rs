//! From admitted to inside: the fan whose turn it is gets their entry token.

use goticket_domain::queue::{Claimed, PlaceTicket, QueueError, RoomState};
use goticket_domain::{AccountId, EventId};

use super::WaitingRoomService;
use super::place::at;
use crate::outbound::redis::{ClaimAnswer, PlaceAnswer};

/// A place may move between two looks (a tick admits it, it is put back) and is then claimed again.
const ATTEMPTS: u32 = 3;

impl WaitingRoomService {
    /// Begins the session, or finds it again: the same end, whoever asks how often.
    pub(super) async fn claim_place(&self, event: EventId, account: AccountId, signed: &str) -> Result<Claimed, QueueError> {
        let ticket = self.ticket(event, account, signed)?;
        let session_s = self.room(event).await?.room.settings.session_s;
        for _ in 0..ATTEMPTS {
            match self.warm(event, || self.lines.claim(event, ticket.place, session_s)).await? {
                ClaimAnswer::Inside { now_ms, until_ms } => return self.let_in(&ticket, now_ms, until_ms),
                ClaimAnswer::Closed => return Err(QueueError::ClosedToJoins { state: RoomState::Closed }),
                ClaimAnswer::Cold => return Err(QueueError::Unavailable),
                ClaimAnswer::Elsewhere => {}
            }
            match self.look_up(&ticket).await? {
                PlaceAnswer::Waiting { ahead, .. } => return Err(QueueError::NotYourTurn { ahead }),
                PlaceAnswer::Lobby => return Err(QueueError::NotDrawn),
                PlaceAnswer::Passed => return Err(QueueError::ClaimWindowPassed),
                PlaceAnswer::Over | PlaceAnswer::Missing { .. } => return Err(QueueError::NotInLine),
                PlaceAnswer::Cold => return Err(QueueError::Unavailable),
                PlaceAnswer::Admitted { .. } | PlaceAnswer::Inside { .. } => {}
            }
        }
        Err(QueueError::Unavailable)
    }

    fn let_in(&self, ticket: &PlaceTicket, now_ms: i64, until_ms: i64) -> Result<Claimed, QueueError> {
        let (now, expires_at) = (at(now_ms)?, at(until_ms)?);
        let entry_token = self.entry_signer.issue(ticket.event, ticket.account, ticket.place, now, expires_at);
        Ok(Claimed { entry_token, expires_at })
    }
}

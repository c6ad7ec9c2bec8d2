//! From admitted to inside: the fan whose turn it is gets an entry token, and again a new one as long as the session lasts.
//!
//! Each token is in the log, as the end of its slot, before it is given out: a slot that is over was taken by nothing that still buys.

use goticket_domain::queue::{Claimed, GroupRefusal, PlaceTicket, QueueError, Session, Standing};
use goticket_domain::{AccountId, EventId};
use goticket_tokens::{ENTRY_LEEWAY_SECONDS, Entrance};

use super::WaitingRoomService;
use super::group_commit::Change;
use super::join::refuse_without_line;
use super::place::at;
use super::rooms::Known;
use crate::outbound::redis::Found;

/// How much longer than it says an entry token may buy where clocks differ.
const LEEWAY_MS: i64 = ENTRY_LEEWAY_SECONDS * 1_000;

impl WaitingRoomService {
    /// How long a token buys that is given out now, leeway included, in milliseconds.
    pub(super) fn buys_ms(&self) -> i64 {
        self.token_ms + LEEWAY_MS
    }

    /// Begins the session, or finds it again: the same end, whoever asks how often; each time with a token that ends later, but never
    /// after the session. Who was away for longer than their token comes inside again if there is room. Who is too late for the first time has
    /// their turn once more. A group's place is its leader's to claim.
    pub(super) async fn claim_place(&self, event: EventId, account: AccountId, signed: &str) -> Result<Claimed, QueueError> {
        let ticket = self.ticket(event, account, signed)?;
        let known = self.room(event).await?;
        refuse_without_line(&known)?;
        if ticket.place != self.place_of(event, account) {
            return Err(GroupRefusal::LeaderClaims.into());
        }
        let session_ms = i64::from(known.room.settings.session_s) * 1_000;
        let claim = Change::Claim { session_ms, buys_ms: self.buys_ms() };
        match known.log.change(ticket.place, claim).await?.after {
            Found::Here(Standing::Inside { session, .. }) if session.has_slot(known.log.now_ms()) => {
                self.let_in(&known, &ticket, session)
            }
            Found::Here(Standing::Inside { .. }) => {
                let session = self.resume_session(event, ticket.place).await?;
                self.let_in(&known, &ticket, session)
            }
            Found::Here(Standing::Waiting(_)) => Err(QueueError::NotYourTurn { ahead: known.log.ahead_of(ticket.place).await? }),
            Found::Here(Standing::Lobby { .. }) => Err(QueueError::NotDrawn),
            Found::Here(Standing::Deferred(_)) => Err(known.log.deferred(ticket.place).await?),
            Found::Passed { .. } => Err(QueueError::ClaimWindowPassed),
            Found::Over | Found::Nowhere => Err(QueueError::NotInLine),
            // It was admitted a moment ago, after it had been found waiting.
            Found::Here(Standing::Admitted { .. }) => Err(QueueError::Unavailable),
        }
    }

    /// A token that has ended, leeway included, when the slot does.
    fn let_in(&self, known: &Known, ticket: &PlaceTicket, session: Session) -> Result<Claimed, QueueError> {
        let now_ms = known.log.now_ms();
        // Whole seconds, as tokens have them: cut, not rounded.
        let seconds = |ms: i64| at(ms.div_euclid(1_000) * 1_000);
        let (now, session_ends_at) = (seconds(now_ms)?, at(session.until_ms)?);
        // Slots of sessions of before they were renewed in the log last as long as the session; tokens never did.
        let expires_at = seconds(session.slot_ms.min(now_ms.saturating_add(self.buys_ms())) - LEEWAY_MS)?;
        if expires_at <= now {
            // What is left of the session is less than clocks may differ.
            return Err(QueueError::NotInLine);
        }
        let room = &known.room;
        let entrance = Entrance { event: room.seats_of, onsale: room.event, categories: room.sells.clone() };
        let entry_token = self.entry_signer.issue(entrance, ticket.account, ticket.place, now, expires_at);
        Ok(Claimed { entry_token, expires_at, session_ends_at })
    }
}

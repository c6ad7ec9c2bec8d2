//! Taking a place: one per account, found again from any tab or device.

use goticket_domain::queue::{
    JoinPass, JoinedPlace, PlaceKind, PlaceTicket, QueueError, Receipt, RoomState, Signature, Standing,
};
use goticket_domain::{AccountId, EventId};
use goticket_storage::StorageError;

use super::group_commit::Change;
use super::place::at;
use super::rooms::Known;
use super::{WaitingRoomService, storage_failed};
use crate::outbound::redis::Found;

impl WaitingRoomService {
    /// The account's place and a ticket for it, in the log before this returns. Who let their turn pass has it once more; who has left, or let
    /// it pass again, begins at the end. Whoever takes a new one shows what the room asks for.
    pub(super) async fn take_place(
        &self,
        event: EventId,
        account: AccountId,
        pass: &JoinPass,
    ) -> Result<JoinedPlace, QueueError> {
        let known = self.room(event).await?;
        refuse_without_line(&known)?;
        let place = self.place_of(event, account);
        let (entry, stands) = if known.room.state.admits_joins() {
            let changed = self.enter(&known, account, place, pass).await?;
            (changed.entry, changed.after)
        } else {
            match known.log.find(&[place]).await?.found.first().copied() {
                // They had their place when no one else was taken in any more.
                Some(Found::Passed { once_more: true }) => {
                    let changed = known.log.change(place, Change::Defer).await?;
                    (changed.entry, changed.after)
                }
                found => (None, found.unwrap_or(Found::Nowhere)),
            }
        };
        let (kind, taken_by) = match stands {
            Found::Here(Standing::Lobby { position }) => (PlaceKind::Lobby, Some(position)),
            Found::Here(
                Standing::Waiting(score)
                | Standing::Deferred(score)
                | Standing::Admitted { score, .. }
                | Standing::Inside { score, .. },
            ) => match score.kind() {
                kind @ (PlaceKind::Late { sequence } | PlaceKind::Deferred { sequence }) => (kind, Some(sequence)),
                kind @ (PlaceKind::Lobby | PlaceKind::Drawn { .. }) => (kind, None),
            },
            _ if entry.is_none() => return Err(QueueError::ClosedToJoins { state: known.room.state }),
            _ => return Err(storage_failed(StorageError::Unexpected("who joined stands nowhere".into()))),
        };
        // Of two that came at once at two replicas, one took the place.
        let existing = entry.is_none() || entry != taken_by;
        if !existing {
            let label = match kind {
                PlaceKind::Lobby => "lobby",
                PlaceKind::Deferred { .. } => "deferred",
                PlaceKind::Drawn { .. } | PlaceKind::Late { .. } => "late",
            };
            metrics::counter!("admission_joins_total", "kind" => label).increment(1);
        }
        let ticket = PlaceTicket { place, event, account, kind, issued_at_ms: known.log.now_ms() };
        let signed = self.place_keys.sign(&ticket);
        let receipt = taken_by.map(|position| self.receipt(&known, &ticket, position)).transpose()?;
        Ok(JoinedPlace { ticket, signed, existing, receipt, turn: false })
    }

    fn receipt(&self, known: &Known, ticket: &PlaceTicket, position: u64) -> Result<Receipt, QueueError> {
        let mut receipt = Receipt {
            event: ticket.event,
            place: ticket.place,
            position,
            at: at(ticket.issued_at_ms)?,
            terms: known.draw()?.terms_hash(),
            signature: Signature([0; 64]),
        };
        receipt.signature = self.receipts.sign(&receipt.signed_bytes());
        Ok(receipt)
    }
}

/// A room that is not open yet, or over, has no line.
pub(super) fn refuse_without_line(known: &Known) -> Result<(), QueueError> {
    let room = &known.room;
    match room.state {
        // Its owner opens it in this moment.
        RoomState::Scheduled if room.lobby_opens_at.as_millisecond() <= known.log.now_ms() => Err(QueueError::Unavailable),
        RoomState::Scheduled => Err(QueueError::NotYetOpen { opens_at: room.lobby_opens_at }),
        RoomState::Closed => Err(QueueError::ClosedToJoins { state: RoomState::Closed }),
        _ => Ok(()),
    }
}

//! Taking a place: one per account, found again from any tab or device.

use goticket_domain::queue::{JoinedPlace, PlaceKind, PlaceTicket, QueueError, RoomState};
use goticket_domain::{AccountId, EventId};

use super::fill::refuse_without_line;
use super::{WaitingRoomService, storage_failed};
use crate::outbound::redis::JoinAnswer;

impl WaitingRoomService {
    /// The account's place and a ticket of the present epoch for it. Who has left, or let their turn pass, begins again at the end.
    pub(super) async fn take_place(&self, event: EventId, account: AccountId) -> Result<JoinedPlace, QueueError> {
        let room = self.room(event).await?.room;
        refuse_without_line(&room)?;
        let place = self.place_of(event, account);
        match self.warm(event, || self.lines.join(event, place, self.max_line)).await? {
            JoinAnswer::Place { now_ms, epoch, score, existing } => {
                let ticket = PlaceTicket { place, event, account, kind: score.kind(), epoch, issued_at_ms: now_ms };
                let signed = self.place_keys.sign(&ticket);
                if !existing {
                    let kind = if ticket.kind == PlaceKind::Lobby { "lobby" } else { "late" };
                    metrics::counter!("admission_joins_total", "kind" => kind).increment(1);
                }
                Ok(JoinedPlace { ticket, signed, existing })
            }
            JoinAnswer::Full => Err(QueueError::Full),
            JoinAnswer::Refused(RoomState::Scheduled) => Err(QueueError::NotYetOpen { opens_at: room.lobby_opens_at }),
            JoinAnswer::Refused(state) => Err(QueueError::ClosedToJoins { state }),
            JoinAnswer::Cold => Err(storage_failed(goticket_storage::StorageError::Unexpected("a warm room is cold".into()))),
        }
    }
}

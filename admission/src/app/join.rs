//! Taking a place: one per account, found again from any tab or device.

use goticket_domain::queue::groups::Fan;
use goticket_domain::queue::{
    JoinPass, JoinedPlace, PlaceId, PlaceKind, PlaceTicket, QueueError, Receipt, RoomState, Signature, Standing,
};
use goticket_domain::{AccountId, EventId};
use goticket_storage::StorageError;

use super::group_commit::{Change, Changed};
use super::place::at;
use super::rooms::Known;
use super::{WaitingRoomService, storage_failed};
use crate::outbound::redis::Found;

/// How often somebody's group may end while they are looked for before we give up.
const ATTEMPTS: u32 = 3;

/// A place by which somebody stands in line.
pub(super) struct Taken {
    pub(super) place: PlaceId,
    /// Where it stands.
    pub(super) found: Found,
    /// They had it before.
    pub(super) existing: bool,
}

impl Taken {
    /// Of two that came at once at two replicas, one took the place.
    pub(super) fn by(place: PlaceId, changed: Changed) -> Self {
        let taken_by = kind_of(changed.after).and_then(|(_, taken_by)| taken_by);
        Self { place, found: changed.after, existing: changed.entry.is_none() || changed.entry != taken_by }
    }
}

impl WaitingRoomService {
    /// The account's place and a ticket for it, in the log before this returns. Who let their turn pass has it once more; who has left, or let
    /// it pass again, begins at the end. Whoever takes a new one shows what the room asks for. The place may be their group's.
    pub(super) async fn take_place(
        &self,
        event: EventId,
        account: AccountId,
        pass: &JoinPass,
    ) -> Result<JoinedPlace, QueueError> {
        let known = self.room(event).await?;
        refuse_without_line(&known)?;
        let taken = match &pass.group {
            Some(code) => self.take_group_place(&known, account, pass, code).await?,
            None => self.take_own_place(&known, account, pass).await?,
        };
        let Taken { place, found, existing } = taken;
        let Some((kind, taken_by)) = kind_of(found) else {
            return Err(storage_failed(StorageError::Unexpected("who joined stands nowhere".into())));
        };
        if !existing {
            let label = match kind {
                _ if pass.group.is_some() => "group",
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

    /// The account's own place, or that of the group in which it stands. Who stood in a group whose place is over begins alone.
    async fn take_own_place(&self, known: &Known, account: AccountId, pass: &JoinPass) -> Result<Taken, QueueError> {
        let fan = self.fan(known.room.event, account);
        let mut over = None;
        for _ in 0..ATTEMPTS {
            let changed = self.take_alone(known, fan, pass, over).await?;
            match changed.in_group {
                Some(group) => match self.come_back(known, group).await? {
                    Some(taken) => return Ok(taken),
                    None => over = Some(group),
                },
                None if changed.entry.is_none() && !matches!(changed.after, Found::Here(_)) => {
                    return Err(QueueError::ClosedToJoins { state: known.room.state });
                }
                None => return Ok(Taken::by(fan.place, changed)),
            }
        }
        Err(QueueError::Unavailable)
    }

    /// What becomes of the account's own place. `over`: the place of the group in which it stood, which is over for good.
    async fn take_alone(&self, known: &Known, fan: Fan, pass: &JoinPass, over: Option<PlaceId>) -> Result<Changed, QueueError> {
        if known.room.state.admits_joins() {
            return self.enter(known, fan, pass, over).await;
        }
        let found = known.log.find(&[fan.place]).await?.found.first().copied().unwrap_or(Found::Nowhere);
        match found {
            // They had their place when no one else was taken in any more.
            Found::Passed { once_more: true } => known.log.change(fan.place, Change::Defer).await,
            Found::Here(_) => Ok(Changed::nothing(found)),
            _ if over.is_some() => Ok(Changed::nothing(found)),
            _ => Ok(Changed { in_group: self.group_of(known, fan.account).await?, ..Changed::nothing(found) }),
        }
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

/// What a ticket says of a place that stands here, and the entry by which it was taken, where that is known; none where it stands nowhere.
fn kind_of(found: Found) -> Option<(PlaceKind, Option<u64>)> {
    match found {
        Found::Here(Standing::Lobby { position }) => Some((PlaceKind::Lobby, Some(position))),
        Found::Here(
            Standing::Waiting(score)
            | Standing::Deferred(score)
            | Standing::Admitted { score, .. }
            | Standing::Inside { score, .. },
        ) => Some(match score.kind() {
            kind @ (PlaceKind::Late { sequence } | PlaceKind::Deferred { sequence }) => (kind, Some(sequence)),
            kind @ (PlaceKind::Lobby | PlaceKind::Drawn { .. }) => (kind, None),
        }),
        Found::Passed { .. } | Found::Over | Found::Nowhere => None,
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

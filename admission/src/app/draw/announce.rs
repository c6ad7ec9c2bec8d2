//! Announcing the draw's terms: with the event, and again where its closing time moves.

use goticket_domain::EventId;
use goticket_domain::queue::draw::DRAW_ALGORITHM;
use goticket_domain::queue::{Announced, BeaconTerms, DrawSecret, DrawTerms, QueueError, RoomState};
use goticket_storage::rooms::draws::{self, RoomDraw};
use goticket_storage::rooms::{self, Room, owners};
use jiff::Timestamp;
use serde_json::json;

use super::in_millis;
use crate::app::log_chain::{self, Change};
use crate::app::rooms::Known;
use crate::app::{WaitingRoomService, sql_failed, storage_failed};

/// Why terms are announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    /// There are none, or the sale starts at another time than they say.
    Schedule,
    /// The round that they name is too near to close the lobby before it.
    LateClosing,
}

impl WaitingRoomService {
    /// The room, with terms that name the closing time that its event has now. The caller owns the room under this epoch.
    pub(in crate::app) async fn announce_terms(&self, known: Known, epoch: i64) -> Result<Known, QueueError> {
        if is_due(&known.room, known.draw.as_ref().map(|draw| &draw.stored)) {
            self.announce(known.room.event, epoch, Cause::Schedule).await
        } else {
            Ok(known)
        }
    }

    pub(super) async fn announce(&self, event: EventId, epoch: i64, cause: Cause) -> Result<Known, QueueError> {
        let mut tx = self.pool.begin().await.map_err(sql_failed)?;
        let room = rooms::lock(&mut tx, event).await.map_err(storage_failed)?.ok_or(QueueError::UnknownEvent)?;
        let draw = draws::of_locked(&mut tx, event).await.map_err(storage_failed)?;
        let due = is_due(&room, draw.as_ref()) || (cause == Cause::LateClosing && is_open(draw.as_ref()));
        if !due || !owners::fence(&mut tx, event, epoch).await.map_err(storage_failed)? {
            drop(tx);
            return self.reread(event).await;
        }
        let (secret, mut announced) =
            draw.map_or_else(|| (DrawSecret(rand::random()), Vec::new()), |draw| (draw.secret, draw.announced));
        let before = announced.last().map(|last| last.terms.clone());
        let at = in_millis(rooms::now(&mut tx).await.map_err(storage_failed)?);
        let terms = self.terms(&room, &secret, at);
        let what = json!({ "draw_terms": [before, terms] });
        announced.push(Announced { at, terms });
        draws::announce(&mut tx, event, &secret, &announced).await.map_err(storage_failed)?;
        let reason = if cause == Cause::LateClosing { "the lobby closes late" } else { "schedule" };
        log_chain::append(&mut tx, event, Change { actor: None, what, reason }).await.map_err(storage_failed)?;
        tx.commit().await.map_err(sql_failed)?;
        tracing::info!(%event, reason, "announced the draw's terms");
        self.reread(event).await
    }

    fn terms(&self, room: &Room, secret: &DrawSecret, announced_at: Timestamp) -> DrawTerms {
        let closes_at = in_millis(room.onsale_at);
        let beacon = self.beacon.as_ref();
        DrawTerms {
            algorithm: DRAW_ALGORITHM.to_owned(),
            event: room.event,
            commitment: secret.commitment(room.event),
            closes_at,
            beacon: beacon.map(|beacon| BeaconTerms::of(beacon.chain().clone(), beacon.margin_s(), closes_at, announced_at)),
            signer: self.receipts.public(),
        }
    }
}

/// The lobby has no last head yet.
fn is_open(draw: Option<&RoomDraw>) -> bool {
    draw.is_none_or(|draw| draw.closed.is_none())
}

/// Nothing was announced yet, or another closing time.
fn is_due(room: &Room, draw: Option<&RoomDraw>) -> bool {
    let named = draw.and_then(|draw| draw.announced.last()).map(|last| last.terms.closes_at);
    matches!(room.state, RoomState::Scheduled | RoomState::Lobby) && is_open(draw) && named != Some(in_millis(room.onsale_at))
}

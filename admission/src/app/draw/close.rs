//! Closing the lobby: its last head is signed and published before the beacon's round exists.

use goticket_domain::queue::draw::merkle::{self, Blocks, Hash};
use goticket_domain::queue::{DrawTerms, LobbyHead, QueueError, Signature};
use goticket_storage::answered;
use goticket_storage::rooms::draws;
use goticket_storage::rooms::{self, owners};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::announce::Cause;
use super::{blocking, in_millis};
use crate::app::log_chain::{self, Change};
use crate::app::room_log::RoomLog;
use crate::app::rooms::Known;
use crate::app::{WaitingRoomService, sql_failed, storage_failed};

impl WaitingRoomService {
    /// The room, with a closed lobby whose head is published. Safe to give up at any point, and to do again. The caller owns the room under
    /// this epoch, and the sale is due.
    pub(in crate::app) async fn close_lobby(&self, known: Known, epoch: i64) -> Result<Known, QueueError> {
        if known.draw.as_ref().is_some_and(|draw| draw.stored.closed.is_some()) {
            return Ok(known);
        }
        let known = self.announce_terms(known, epoch).await?;
        let event = known.room.event;
        let size = known.log.close(epoch).await?;
        let blocks = known.log.lobby_blocks(size).await?;
        answered(draws::put_lobby(&self.pool, event, &blocks)).await.map_err(storage_failed)?;
        if self.publish_head(&known, epoch, size, &blocks).await? {
            return self.reread(event).await;
        }
        // What the round is could be known by now: another one decides, and everyone sees that.
        let known = self.announce(event, epoch, Cause::LateClosing).await?;
        self.publish_head(&known, epoch, size, &blocks).await?;
        self.reread(event).await
    }

    /// False where the round would be too near.
    async fn publish_head(&self, known: &Known, epoch: i64, size: u64, blocks: &[Hash]) -> Result<bool, QueueError> {
        let event = known.room.event;
        let mut tx = self.pool.begin().await.map_err(sql_failed)?;
        rooms::lock(&mut tx, event).await.map_err(storage_failed)?.ok_or(QueueError::UnknownEvent)?;
        let draw = draws::of_locked(&mut tx, event).await.map_err(storage_failed)?;
        let Some(draw) = draw.filter(|draw| draw.closed.is_none()) else { return Ok(true) };
        let Some(terms) = draw.announced.last().map(|last| &last.terms) else { return Ok(false) };
        let now = in_millis(rooms::now(&mut tx).await.map_err(storage_failed)?);
        if !comes_before_its_round(terms, now) {
            return Ok(false);
        }
        if !owners::fence(&mut tx, event, epoch).await.map_err(storage_failed)? {
            return Err(QueueError::Unavailable);
        }
        let unsigned = LobbyHead { size, root: merkle::root(blocks), at: now, closed: true, signature: Signature([0; 64]) };
        let head = self.signed_head(terms, unsigned);
        draws::close(&mut tx, event, &head).await.map_err(storage_failed)?;
        let what = json!({ "lobby": { "size": head.size, "root": head.root } });
        log_chain::append(&mut tx, event, Change { actor: None, what, reason: "schedule" }).await.map_err(storage_failed)?;
        tx.commit().await.map_err(sql_failed)?;
        tracing::info!(%event, size, root = head.root.to_hex(), "closed the lobby");
        Ok(true)
    }
}

/// Half the margin stays for everyone to see the list before the round exists.
fn comes_before_its_round(terms: &DrawTerms, now: Timestamp) -> bool {
    terms.beacon.as_ref().is_none_or(|beacon| {
        let half = SignedDuration::from_millis(i64::from(beacon.margin_s) * 500);
        now.saturating_add(half).is_ok_and(|seen| seen <= beacon.comes_at())
    })
}

impl RoomLog {
    /// The hashes of the blocks of a closed lobby of so many leaves.
    async fn lobby_blocks(&self, size: u64) -> Result<Vec<Hash>, QueueError> {
        let entries = self.lobby_entries(0, size).await?;
        blocking(move || {
            let mut blocks = Blocks::default();
            for entry in entries {
                blocks.push(&entry.leaf());
            }
            blocks.finish()
        })
        .await
    }
}

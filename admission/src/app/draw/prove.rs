//! What anyone may ask of a draw: its record, the closed lobby's list, and what proves one place.

use goticket_domain::EventId;
use goticket_domain::queue::draw::merkle::{self, BLOCK_LEAVES, Hash};
use goticket_domain::queue::draw::{Inclusion, LOBBY_LEAF_BYTES, order_key, rank_leaf};
use goticket_domain::queue::{
    DrawProofs, DrawRecord, LOBBY_PAGE, LobbyEntry, LobbyHead, LobbyPage, MerkleRoot, PlaceId, QueueError,
};
use goticket_storage::answered;
use goticket_storage::rooms::draws::{self, Tree};

use crate::app::rooms::Known;
use crate::app::{WaitingRoomService, storage_failed};

impl WaitingRoomService {
    pub(in crate::app) async fn read_draw(&self, event: EventId) -> Result<DrawRecord, QueueError> {
        let known = self.room(event).await?;
        let stored = known.draw.as_ref().map(|draw| draw.stored.clone());
        Ok(match stored {
            Some(draw) => DrawRecord { event, announced: draw.announced, closed: draw.closed, outcome: draw.outcome },
            None => DrawRecord { event, announced: Vec::new(), closed: None, outcome: None },
        })
    }

    pub(in crate::app) async fn read_lobby(&self, event: EventId, from: u64) -> Result<LobbyPage, QueueError> {
        let known = self.room(event).await?;
        let size = closed(&known)?.size;
        let end = size.min(from.saturating_add(LOBBY_PAGE));
        let leaves = leaves(&known, from, end).await?.concat();
        Ok(LobbyPage { leaves, next: (end < size).then_some(end) })
    }

    /// Reads two blocks of 4,096 leaves, and the hashes of all blocks.
    pub(in crate::app) async fn prove_place(
        &self,
        event: EventId,
        place: PlaceId,
        position: Option<u64>,
    ) -> Result<DrawProofs, QueueError> {
        let known = self.room(event).await?;
        let size = closed(&known)?.size;
        let entry = match position.filter(|position| *position < size) {
            Some(position) => Some(self.prove_entry(&known, position, size).await?),
            None => None,
        };
        Ok(DrawProofs { place, entry, rank: self.prove_rank(&known, place).await? })
    }

    async fn prove_entry(&self, known: &Known, position: u64, size: u64) -> Result<Inclusion, QueueError> {
        let block = position - position % BLOCK_LEAVES as u64;
        let leaves = leaves(known, block, size.min(block + BLOCK_LEAVES as u64)).await?;
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| merkle::leaf(leaf)).collect();
        self.inclusion(known.room.event, Tree::Lobby, position, &hashes).await
    }

    async fn prove_rank(&self, known: &Known, place: PlaceId) -> Result<Option<Inclusion>, QueueError> {
        let event = known.room.event;
        let Some(outcome) = &known.draw()?.stored.outcome else { return Ok(None) };
        let key = order_key(&outcome.seed, place);
        let block = answered(draws::ranks_around(&self.pool, event, &key)).await.map_err(storage_failed)?;
        let Some(block) = block else { return Ok(None) };
        let first = block.number * BLOCK_LEAVES as u64;
        let Some((rank, _)) = (first..).zip(&block.places).find(|(_, found)| **found == place) else { return Ok(None) };
        let hashes: Vec<Hash> =
            (first..).zip(&block.places).map(|(rank, place)| merkle::leaf(&rank_leaf(rank, *place))).collect();
        self.inclusion(event, Tree::Ranks, rank, &hashes).await.map(Some)
    }

    async fn inclusion(&self, event: EventId, tree: Tree, index: u64, block: &[Hash]) -> Result<Inclusion, QueueError> {
        let blocks = answered(draws::blocks(&self.pool, event, tree)).await.map_err(storage_failed)?;
        let at = usize::try_from(index).map_err(|_| QueueError::Unavailable)?;
        let path = merkle::path_by_block(block, &blocks, at).into_iter().map(MerkleRoot).collect();
        Ok(Inclusion { index, path })
    }
}

fn closed(known: &Known) -> Result<&LobbyHead, QueueError> {
    known.draw.as_ref().and_then(|draw| draw.stored.closed.as_ref()).ok_or(QueueError::NotClosed)
}

/// The closed lobby's leaves from here to there.
async fn leaves(known: &Known, from: u64, end: u64) -> Result<Vec<[u8; LOBBY_LEAF_BYTES]>, QueueError> {
    Ok(known.log.lobby_entries(from, end).await?.iter().map(LobbyEntry::leaf).collect())
}

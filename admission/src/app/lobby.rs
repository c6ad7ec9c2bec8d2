//! The lobby while it is open, as a Merkle log that grows with the room's log.

use futures::StreamExt as _;
use futures::stream;
use goticket_domain::queue::draw::TermsHash;
use goticket_domain::queue::draw::merkle::MerkleLog;
use goticket_domain::queue::{LobbyEntry, LobbyHead, QueueError, Signature};
use goticket_storage::{StorageError, answered, queue_log};

use super::draw::blocking;
use super::place::at;
use super::room_log::RoomLog;
use super::rooms::Known;
use super::{WaitingRoomService, storage_failed};

/// Segments read at once.
const PAGE: u32 = 100;
/// Entries that are read one page after the other, beside so many others: while PostgreSQL reads some, others are decoded.
const STRETCH: usize = 100_000;
const STRETCHES_AT_ONCE: usize = 3;

/// What the owner of a room remembers of its open lobby.
#[derive(Debug, Default)]
pub(super) struct OpenLobby {
    tree: MerkleLog,
    /// Signed last, and under which terms.
    head: Option<(TermsHash, LobbyHead)>,
}

impl WaitingRoomService {
    /// A head of the open lobby with at least so many entries of the log; the last one where nothing has come since.
    pub(super) async fn lobby_head(&self, known: &Known, size: u64) -> Result<LobbyHead, QueueError> {
        let mut lobby = std::mem::take(&mut known.memory().lobby);
        let read = known.log.grow(&mut lobby.tree, size).await;
        let head = read.and_then(|()| self.sign_head(known, &mut lobby));
        known.memory().lobby = lobby;
        head
    }

    fn sign_head(&self, known: &Known, lobby: &mut OpenLobby) -> Result<LobbyHead, QueueError> {
        let draw = known.draw()?;
        let size = lobby.tree.size();
        if let Some((terms, head)) = &lobby.head
            && (*terms, head.size) == (draw.terms_hash(), size)
        {
            return Ok(head.clone());
        }
        let (root, now) = (lobby.tree.root(), at(known.log.now_ms())?);
        let unsigned = LobbyHead { size, root, at: now, closed: false, signature: Signature([0; 64]) };
        let head = self.signed_head(draw.terms(), unsigned);
        lobby.head = Some((draw.terms_hash(), head.clone()));
        Ok(head)
    }
}

impl RoomLog {
    async fn grow(&self, tree: &mut MerkleLog, size: u64) -> Result<(), QueueError> {
        if tree.size() > size {
            // Postgres has gone back.
            *tree = MerkleLog::default();
        }
        let (entries, mut grown) = (self.lobby_entries(tree.size(), size).await?, std::mem::take(tree));
        *tree = blocking(move || {
            for entry in entries {
                grown.push(&entry.leaf());
            }
            grown
        })
        .await?;
        Ok(())
    }

    /// What happened in the lobby from this entry of the log on and before that one.
    pub(super) async fn lobby_entries(&self, from: u64, to: u64) -> Result<Vec<LobbyEntry>, QueueError> {
        let starts = (from..to).step_by(STRETCH);
        let stretches = stream::iter(starts.map(|start| self.stretch(start, to.min(start + STRETCH as u64))));
        let mut stretches = stretches.buffered(STRETCHES_AT_ONCE);
        let mut lobby = Vec::with_capacity(usize::try_from(to.saturating_sub(from)).unwrap_or(0));
        while let Some(stretch) = stretches.next().await {
            lobby.extend(stretch?);
        }
        Ok(lobby)
    }

    async fn stretch(&self, from: u64, to: u64) -> Result<Vec<LobbyEntry>, QueueError> {
        let (mut lobby, mut next) = (Vec::new(), from);
        while next < to {
            let segments = answered(queue_log::read_around(&self.pool, self.event, next, PAGE)).await.map_err(storage_failed)?;
            let entries = segments.iter().flat_map(|segment| (segment.first..).zip(&segment.entries));
            let page: Option<Vec<LobbyEntry>> =
                entries.filter(|(at, _)| (next..to).contains(at)).map(|(_, entry)| LobbyEntry::of(entry)).collect();
            let page = page.filter(|page| !page.is_empty()).ok_or_else(|| {
                storage_failed(StorageError::Unexpected(format!("the lobby's log has other entries, or none, from {next} on")))
            })?;
            next += page.len() as u64;
            lobby.extend(page);
        }
        Ok(lobby)
    }
}

//! The draw: closes the lobby, publishes its root, and gives everyone in it their place in line.
//!
//! Who is in the lobby is frozen before anything else (`freeze.lua`), root and seed follow from that and the secret, and the
//! scores from the seed: so whoever does it again after a crash comes to the same order. The room's row stays locked meanwhile,
//! and nobody is admitted before the transaction that makes the draw durable has committed.

use std::time::Duration;

use goticket_domain::EventId;
use goticket_domain::queue::{DrawSeed, MerkleRoot, PlaceId, QueueError, RoomState, Score};
use goticket_storage::rooms::{self, Room};
use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::time::timeout;

use super::{WaitingRoomService, redis_failed, storage_failed};
use crate::outbound::redis::{FreezeAnswer, ScoresAnswer};

/// Places read at once.
const READ_CHUNK: usize = 10_000;
/// Places written at once: a script of so many holds up joins for a few milliseconds.
const WRITE_CHUNK: usize = 1_000;

/// A draw of millions takes longer than a transaction may idle.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// A drawn lobby.
struct Drawn {
    root: MerkleRoot,
    seed: DrawSeed,
    order: Vec<(PlaceId, Score)>,
}

impl WaitingRoomService {
    /// Makes sure that Redis knows a room that is to be drawn. Not under the room's lock: filling takes it.
    pub(super) async fn fill_lobby(&self, event: EventId) -> Result<(), QueueError> {
        let room = self.reread(event).await?.room;
        if room.due == Some(RoomState::Open) {
            self.fill(event).await?;
        }
        Ok(())
    }

    /// Draws the order of a room that is locked in `tx`; returns what the log says about it. The secret is public from now on.
    pub(super) async fn draw(&self, tx: &mut PgConnection, room: &Room) -> Result<Value, QueueError> {
        let event = room.event;
        let lobby = self.read_lobby(tx, event).await?;
        let places = lobby.len();
        let (secret, beacon) = (room.secret.clone(), room.beacon.clone());
        // Millions of hashes: not on a thread that serves requests.
        let mut drawing = tokio::task::spawn_blocking(move || draw_order(lobby, |root| secret.seed(root, &beacon)));
        let drawn = loop {
            match timeout(KEEP_ALIVE, &mut drawing).await {
                Ok(drawn) => break drawn,
                Err(_) => keep_alive(tx).await?,
            }
        };
        let drawn = drawn.map_err(|error| {
            tracing::error!(%event, %error, "the draw panicked");
            QueueError::Unavailable
        })?;
        self.write_order(tx, event, &drawn.order).await?;
        rooms::save_draw(tx, event, drawn.root, drawn.seed).await.map_err(storage_failed)?;
        tracing::info!(%event, places, root = drawn.root.to_hex(), "drew the order of the lobby");
        Ok(json!({
            "places": places,
            "root": drawn.root,
            "seed": drawn.seed,
            "secret": hex::encode(room.secret.0),
            "beacon": hex::encode(&room.beacon),
        }))
    }

    async fn read_lobby(&self, tx: &mut PgConnection, event: EventId) -> Result<Vec<PlaceId>, QueueError> {
        let FreezeAnswer::Frozen(expected) = self.lines.freeze(event).await.map_err(|error| redis_failed(&error))? else {
            // Lost since it was filled: the next attempt fills it again.
            return Err(QueueError::Unavailable);
        };
        let mut lobby = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
        loop {
            let chunk = self.lines.frozen(event, lobby.len(), READ_CHUNK).await.map_err(|error| redis_failed(&error))?;
            if chunk.is_empty() {
                break;
            }
            lobby.extend(chunk);
            keep_alive(tx).await?;
        }
        if lobby.len() as u64 == expected { Ok(lobby) } else { Err(QueueError::Unavailable) }
    }

    async fn write_order(&self, tx: &mut PgConnection, event: EventId, order: &[(PlaceId, Score)]) -> Result<(), QueueError> {
        for chunk in order.chunks(WRITE_CHUNK) {
            match self.lines.write_scores(event, chunk).await.map_err(|error| redis_failed(&error))? {
                ScoresAnswer::Written => {}
                ScoresAnswer::Cold | ScoresAnswer::Done => return Err(QueueError::Unavailable),
            }
            keep_alive(tx).await?;
        }
        Ok(())
    }
}

/// Root, seed and scores of a lobby.
fn draw_order(mut lobby: Vec<PlaceId>, seed: impl FnOnce(MerkleRoot) -> DrawSeed) -> Drawn {
    let root = MerkleRoot::of(&mut lobby);
    let seed = seed(root);
    let order = lobby.into_iter().map(|place| (place, Score::drawn(&seed, place))).collect();
    Drawn { root, seed, order }
}

/// Shows the database that the transaction is still wanted.
async fn keep_alive(tx: &mut PgConnection) -> Result<(), QueueError> {
    rooms::now(tx).await.map(drop).map_err(storage_failed)
}

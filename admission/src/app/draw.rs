//! The draw: closes the lobby, publishes its root, and gives everyone in it their place in line.
//!
//! Who is in the lobby follows from the log up to the entry that closed it, root and seed follow from that and the secret, and the
//! scores from the seed: so whoever does it again after a crash comes to the same order.

use goticket_domain::queue::{DrawSeed, MerkleRoot, QueueError};
use goticket_storage::rooms::Room;
use serde_json::{Value, json};

use super::WaitingRoomService;
use super::rooms::Known;

/// A drawn lobby.
pub(super) struct Drawn {
    places: usize,
    pub(super) root: MerkleRoot,
    pub(super) seed: DrawSeed,
}

impl WaitingRoomService {
    /// Draws the order of a room whose sale begins. Nothing but the closing of the lobby is written yet.
    pub(super) async fn draw(&self, known: &Known, epoch: i64) -> Result<Drawn, QueueError> {
        let event = known.room.event;
        let closed_at = known.log.close(epoch).await?;
        let mut lobby = known.log.lobby_at(closed_at).await?;
        let (secret, beacon) = (known.room.secret.clone(), known.room.beacon.clone());
        // Millions of hashes: not on a thread that serves requests.
        let drawing = tokio::task::spawn_blocking(move || {
            let root = MerkleRoot::of(&mut lobby);
            Drawn { places: lobby.len(), root, seed: secret.seed(root, &beacon) }
        });
        let drawn = drawing.await.map_err(|error| {
            tracing::error!(%event, %error, "the draw panicked");
            QueueError::Unavailable
        })?;
        tracing::info!(%event, places = drawn.places, root = drawn.root.to_hex(), "drew the order of the lobby");
        Ok(drawn)
    }
}

impl Drawn {
    /// What the operators' log says about it. The secret is public from now on.
    pub(super) fn told(&self, room: &Room) -> Value {
        json!({
            "places": self.places,
            "root": self.root,
            "seed": self.seed,
            "secret": hex::encode(room.secret.0),
            "beacon": hex::encode(&room.beacon),
        })
    }
}

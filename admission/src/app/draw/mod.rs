//! The draw: announces its terms, closes the lobby, waits for the beacon's round, and gives everyone in the lobby their rank.
//!
//! The list follows from the log up to the entry that closed it, the seed from list, secret and round, and the ranks from the seed: so
//! whoever does it again after a crash comes to the same order. What is published, and how anyone checks it, is the domain's
//! (`queue::draw`).

mod announce;
mod close;
mod prove;

use goticket_domain::queue::draw::merkle::{self, BLOCK_LEAVES, Blocks, Hash};
use goticket_domain::queue::draw::{TermsHash, order_key, participants, rank_leaf, seed};
use goticket_domain::queue::{
    BeaconSignature, DrawOutcome, DrawSeed, DrawTerms, LobbyHead, PlaceId, QueueError, Signature, order,
};
use goticket_storage::answered;
use goticket_storage::rooms::draws::{self, NewRanks, RoomDraw};
use jiff::Timestamp;

use super::room_log::RoomLog;
use super::rooms::Known;
use super::{WaitingRoomService, storage_failed};

/// Blocks of ranks that are written in one commit: a megabyte.
const BLOCKS_AT_ONCE: usize = 16;

/// A room's draw as this replica read it last.
#[derive(Debug)]
pub(super) struct KnownDraw {
    /// The room's when it was read.
    pub(super) revision: i32,
    pub(super) stored: RoomDraw,
    terms: DrawTerms,
    terms_hash: TermsHash,
}

impl KnownDraw {
    /// None where no terms were announced.
    pub(super) fn new(revision: i32, stored: RoomDraw) -> Option<Self> {
        let terms = stored.announced.last()?.terms.clone();
        Some(Self { revision, terms_hash: terms.hash(), terms, stored })
    }

    /// Those in force.
    pub(super) fn terms(&self) -> &DrawTerms {
        &self.terms
    }

    pub(super) fn terms_hash(&self) -> TermsHash {
        self.terms_hash
    }

    /// The lobby is closed, and the round exists by now.
    pub(super) fn may_be_drawn(&self, now_ms: i64) -> bool {
        let comes_ms = self.terms.beacon.as_ref().map_or(i64::MIN, |beacon| beacon.comes_at().as_millisecond());
        self.stored.closed.is_some() && comes_ms <= now_ms
    }
}

/// What the draw waits for.
pub(super) enum Round {
    /// Nothing: no beacon was announced, or this is its round.
    Come(Option<BeaconSignature>),
    /// The round.
    ToCome,
}

/// An order, and the tree over it.
struct Ranked {
    seed: DrawSeed,
    order: Vec<PlaceId>,
    blocks: Vec<Hash>,
}

impl WaitingRoomService {
    /// The round that the terms name, if it has come. One that is late is waited for: no other takes its place.
    pub(super) async fn round(&self, known: &Known) -> Result<Round, QueueError> {
        let draw = known.draw()?;
        if !draw.may_be_drawn(known.log.now_ms()) {
            return Ok(Round::ToCome);
        }
        let Some(beacon) = &draw.terms().beacon else { return Ok(Round::Come(None)) };
        let Some(relays) = &self.beacon else {
            tracing::error!(event = %known.room.event, chain = beacon.chain.chain, "the draw waits for a beacon that is not configured");
            return Ok(Round::ToCome);
        };
        Ok(relays.round(beacon).await.map_or(Round::ToCome, |signature| Round::Come(Some(signature))))
    }

    /// Draws the order of a closed lobby, and writes its tree. What was drawn is not in force yet.
    pub(super) async fn draw(&self, known: &Known, round: Option<BeaconSignature>) -> Result<DrawOutcome, QueueError> {
        let (event, draw) = (known.room.event, known.draw()?);
        let closed = draw.stored.closed.clone().ok_or(QueueError::NotClosed)?;
        let places = known.log.drawn_from(&closed).await?;
        let seed = seed(event, &closed, &draw.stored.secret, round.as_ref());
        // Millions of hashes: not on a thread that serves requests.
        let ranked = blocking(move || Ranked::new(seed, places)).await?;
        for blocks in ranked.to_be_written().chunks(BLOCKS_AT_ONCE) {
            answered(draws::put_ranks(&self.pool, event, blocks)).await.map_err(storage_failed)?;
        }
        let mut outcome = DrawOutcome {
            secret: hex::encode(draw.stored.secret.0),
            beacon_signature: round,
            seed: ranked.seed,
            places: ranked.order.len() as u64,
            ranks_root: merkle::root(&ranked.blocks),
            signature: Signature([0; 64]),
        };
        outcome.signature = self.receipts.sign(&outcome.signed_bytes(event));
        tracing::info!(%event, places = outcome.places, root = closed.root.to_hex(), "drew the order of the lobby");
        Ok(outcome)
    }

    pub(super) fn signed_head(&self, terms: &DrawTerms, mut head: LobbyHead) -> LobbyHead {
        head.signature = self.receipts.sign(&head.signed_bytes(terms));
        head
    }
}

impl Ranked {
    fn new(seed: DrawSeed, places: impl IntoIterator<Item = PlaceId>) -> Self {
        let order = order(&seed, places);
        let mut blocks = Blocks::default();
        (0..).zip(&order).for_each(|(rank, place)| blocks.push(&rank_leaf(rank, *place)));
        Self { seed, order, blocks: blocks.finish() }
    }

    fn to_be_written(&self) -> Vec<NewRanks<'_>> {
        let blocks = (0..).zip(self.blocks.iter().zip(self.order.chunks(BLOCK_LEAVES)));
        blocks
            .map(|(block, (hash, places))| NewRanks { block, hash, places, first_key: order_key(&self.seed, places[0]) })
            .collect()
    }
}

impl RoomLog {
    /// Who takes part in the draw of a lobby that was closed with this head.
    async fn drawn_from(&self, closed: &LobbyHead) -> Result<std::collections::HashSet<PlaceId>, QueueError> {
        let entries = self.lobby_entries(0, closed.size).await?;
        blocking(move || participants(entries)).await
    }
}

/// Not on a thread that serves requests.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, QueueError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "the draw panicked");
        QueueError::Unavailable
    })
}

/// As it is published and signed.
fn in_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

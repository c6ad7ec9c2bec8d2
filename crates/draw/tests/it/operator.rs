//! Whoever runs the waiting room: can sign whatever they like.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use goticket_domain::EventId;
use goticket_domain::queue::draw::merkle::{self, Hash};
use goticket_domain::queue::draw::{
    Announced, BeaconChain, BeaconSignature, BeaconTerms, DRAW_ALGORITHM, DrawOutcome, DrawProofs, DrawRecord, DrawSecret,
    DrawTerms, Inclusion, LobbyEntry, LobbyHead, MerkleRoot, Receipt, Signature, SignerKey, order, participants, rank_leaf, seed,
};
use goticket_domain::queue::{BoardDraw, PlaceId};
use goticket_draw::TestSigner;
use jiff::Timestamp;
use uuid::Uuid;

/// When the beacon begins; all times are in seconds after it.
pub(crate) const GENESIS_S: i64 = 1_700_000_000;

pub(crate) fn at_s(seconds: i64) -> Timestamp {
    Timestamp::from_second(GENESIS_S + seconds).unwrap()
}

pub(crate) fn place(number: u8) -> PlaceId {
    PlaceId([number; 16])
}

pub(crate) struct Operator {
    pub(crate) event: EventId,
    pub(crate) secret: DrawSecret,
    pub(crate) beacon: TestSigner,
    /// None: they announce no beacon.
    pub(crate) chain: Option<BeaconChain>,
    pub(crate) margin_s: u32,
    pub(crate) key: Ed25519KeyPair,
}

impl Operator {
    pub(crate) fn new(number: u8) -> Self {
        let beacon = TestSigner::new(u64::from(number));
        Self {
            event: EventId(Uuid::from_u128(u128::from(number))),
            secret: DrawSecret([number ^ 0x55; 32]),
            chain: Some(beacon.chain(GENESIS_S, 3)),
            beacon,
            margin_s: 30,
            key: Ed25519KeyPair::from_seed_unchecked(&[number; 32]).unwrap(),
        }
    }

    pub(crate) fn signer(&self) -> SignerKey {
        SignerKey(self.key.public_key().as_ref().try_into().unwrap())
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(self.key.sign(bytes).as_ref().try_into().unwrap())
    }

    pub(crate) fn announce(&self, at: Timestamp, closes_at: Timestamp) -> Announced {
        let beacon = self.chain.clone().map(|chain| BeaconTerms::of(chain, self.margin_s, closes_at, at));
        let (algorithm, commitment) = (DRAW_ALGORITHM.to_owned(), self.secret.commitment(self.event));
        Announced { at, terms: DrawTerms { algorithm, event: self.event, commitment, closes_at, beacon, signer: self.signer() } }
    }

    /// A lobby with these entries so far.
    pub(crate) fn head(&self, entries: &[LobbyEntry], terms: &DrawTerms, at: Timestamp, closed: bool) -> LobbyHead {
        let hashes: Vec<Hash> = entries.iter().map(|entry| merkle::leaf(&entry.leaf())).collect();
        let (size, root) = (entries.len() as u64, merkle::root(&hashes));
        let head = LobbyHead { size, root, at, closed, signature: Signature([0; 64]) };
        LobbyHead { signature: self.sign(&head.signed_bytes(terms)), ..head }
    }

    pub(crate) fn receipt(&self, position: u64, place: PlaceId, at: Timestamp, terms: &DrawTerms) -> Receipt {
        let signature = Signature([0; 64]);
        let receipt = Receipt { event: self.event, place, position, at, terms: terms.hash(), signature };
        Receipt { signature: self.sign(&receipt.signed_bytes()), ..receipt }
    }

    /// What the round of these terms will be.
    pub(crate) fn round(&self, terms: &DrawTerms) -> Option<BeaconSignature> {
        terms.beacon.as_ref().map(|beacon| self.beacon.sign(beacon.round))
    }

    /// The outcome that follows, whatever the lobby's head says.
    pub(crate) fn draw(&self, closed: &LobbyHead, entries: &[LobbyEntry], round: Option<BeaconSignature>) -> DrawOutcome {
        let seed = seed(self.event, closed, &self.secret, round.as_ref());
        let order = order(&seed, participants(entries.iter().copied()));
        let outcome = DrawOutcome {
            secret: hex::encode(self.secret.0),
            beacon_signature: round,
            seed,
            places: order.len() as u64,
            ranks_root: merkle::root(&rank_hashes(&order)),
            signature: Signature([0; 64]),
        };
        self.signed_outcome(outcome)
    }

    pub(crate) fn signed_outcome(&self, outcome: DrawOutcome) -> DrawOutcome {
        DrawOutcome { signature: self.sign(&outcome.signed_bytes(self.event)), ..outcome }
    }

    /// Closes the lobby of these entries and draws, by the last terms.
    pub(crate) fn finish(&self, record: &mut DrawRecord, entries: &[LobbyEntry], closed_at: Timestamp) {
        let terms = record.announced.last().unwrap().terms.clone();
        let closed = self.head(entries, &terms, closed_at, true);
        record.outcome = Some(self.draw(&closed, entries, self.round(&terms)));
        record.closed = Some(closed);
    }
}

/// What a board says before the draw.
pub(crate) fn board(lobby: LobbyHead, terms: &DrawTerms) -> BoardDraw {
    BoardDraw { terms: terms.clone(), lobby: Some(lobby), seed: None }
}

fn rank_hashes(order: &[PlaceId]) -> Vec<Hash> {
    (0..).zip(order).map(|(rank, place)| merkle::leaf(&rank_leaf(rank, *place))).collect()
}

fn inclusion(hashes: &[Hash], index: usize) -> Inclusion {
    Inclusion { index: index as u64, path: merkle::path(hashes, index).into_iter().map(MerkleRoot).collect() }
}

/// What the waiting room proves of a place.
pub(crate) fn proofs(record: &DrawRecord, entries: &[LobbyEntry], place: PlaceId) -> DrawProofs {
    let hashes: Vec<Hash> = entries.iter().map(|entry| merkle::leaf(&entry.leaf())).collect();
    let entry = entries.iter().position(|entry| *entry == LobbyEntry::Join(place)).map(|index| inclusion(&hashes, index));
    let rank = record.outcome.as_ref().and_then(|outcome| {
        let order = order(&outcome.seed, participants(entries.iter().copied()));
        let rank = order.iter().position(|drawn| *drawn == place)?;
        Some(inclusion(&rank_hashes(&order), rank))
    });
    DrawProofs { place, entry, rank }
}

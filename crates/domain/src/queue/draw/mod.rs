//! The draw: who operates the room announces its terms, closes the lobby, and only then learns what orders it. Anyone can check it
//! afterwards, and one fan is enough to prove that a place was dropped, added or moved.
//!
//! 1. With the event: the [`DrawTerms`], a commitment to a secret among them, and the round of a public beacon that comes some time
//!    after the lobby is closed.
//! 2. With every place: a signed [`Receipt`] of its position in the lobby, which is a Merkle log ([`merkle`]) with a signed
//!    [`LobbyHead`] on every board.
//! 3. When the lobby closes: its last head and its list, before the round exists.
//! 4. With the round: [`seed`], the secret, and the root over every place's rank ([`order`]).

mod beacon;
mod digests;
mod lobby;
pub mod merkle;
mod order;
mod record;
mod terms;

pub use beacon::{BeaconChain, BeaconSignature};
pub use digests::{Commitment, DrawSeed, MerkleRoot, Signature, SignerKey, TermsHash};
pub use lobby::{LOBBY_LEAF_BYTES, LobbyEntry, LobbyHead, Receipt, participants};
pub use order::{order, order_key, rank_leaf};
pub use record::{Announced, DrawOutcome, DrawProofs, DrawRecord, Inclusion, LobbyPage};
pub use terms::{BeaconTerms, DRAW_ALGORITHM, DrawSecret, DrawTerms, seed};

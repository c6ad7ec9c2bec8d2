//! The draw's checker: whether what a waiting room published of a draw is as it must be, from the outside and offline.
//!
//! What is drawn, and how, is [`goticket_domain::queue`]'s; here is what only a checker needs, and the waiting room where it is its own first
//! one: the beacon's signatures. Not here: I/O, clocks, where records come from.
//!
//! Invariants:
//! * a round's signature is never taken on trust: [`verify`] decides, whoever delivered it;
//! * a chain is trusted for the key that is known of it, never for one that a record names;
//! * [`check`] names one thing, the first that is wrong, and says of what is right what that is worth ([`Weak`]);
//! * `docs/verify_draw.py` comes to the same: both are held to `docs/draw-vectors.json`.

mod beacon;
mod check;
mod signature;
#[cfg(any(test, feature = "test-signer"))]
mod signer;
mod verdict;
mod wrong;

pub use beacon::{BadRound, Beacon, BeaconKey, Beacons, QUICKNET_CHAIN, quicknet, verify};
pub use check::{Fan, check};
pub use signature::is_signed;
#[cfg(any(test, feature = "test-signer"))]
pub use signer::TestSigner;
pub use verdict::{PlaceFound, Stage, Standing, Verdict, Weak};
pub use wrong::{Witness, Wrong};

//! A beacon for tests.

use blst::min_sig::SecretKey;
use goticket_domain::queue::draw::{BeaconChain, BeaconSignature};
use sha2::{Digest, Sha256};

use crate::beacon::{DST, chain_hash, message};
use crate::{Beacon, BeaconKey, Beacons};

/// Stands in for a drand chain: its rounds have the same form, but its seed is known, and so is every round in advance.
#[derive(Clone)]
pub struct TestSigner(SecretKey);

impl TestSigner {
    /// The same seed is the same chain.
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "of tests alone, and 32 bytes are enough")]
    pub fn new(seed: u64) -> Self {
        let material = Sha256::new().chain_update("goticket test beacon").chain_update(seed.to_be_bytes()).finalize();
        Self(SecretKey::key_gen(&material, &[]).expect("32 bytes are enough for a key"))
    }

    /// With which its rounds are verified.
    pub fn key(&self) -> BeaconKey {
        BeaconKey(self.0.sk_to_pk().to_bytes())
    }

    /// The round.
    pub fn sign(&self, round: u64) -> BeaconSignature {
        BeaconSignature(hex::encode(self.0.sign(&message(round), DST, &[]).to_bytes()))
    }

    /// A chain of its rounds that come at these times.
    pub fn chain(&self, genesis_s: i64, period_s: u32) -> BeaconChain {
        BeaconChain { chain: chain_hash(&self.key(), genesis_s, period_s, &[], "test"), genesis_s, period_s }
    }

    /// What a checker that trusts this chain knows.
    pub fn known(&self, chain: &BeaconChain) -> Beacons {
        let beacon = Beacon { key: self.key(), chain: Some(chain.clone()) };
        Beacons::known().with(chain.chain.clone(), beacon)
    }
}

impl std::fmt::Debug for TestSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TestSigner({})", self.key().to_hex())
    }
}

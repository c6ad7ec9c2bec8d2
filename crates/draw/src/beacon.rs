//! Rounds of drand chains with the scheme `bls-unchained-g1-rfc9380`: BLS signatures on BLS12-381 by a threshold of independent operators.
//! Each is over its round's number alone, so that one round needs no other to be verified.

use std::collections::HashMap;

use blst::BLST_ERROR;
use blst::min_sig::{PublicKey, Signature};
use goticket_domain::queue::draw::BeaconChain;
use sha2::{Digest, Sha256};

/// The scheme's domain separation tag (RFC 9380): signatures are points on G1, messages are hashed to it.
pub(crate) const DST: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/// A chain's public key: a point on G2, compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BeaconKey(pub [u8; 96]);

impl BeaconKey {
    /// Reads 192 hexadecimal characters.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 96];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Lower-case hexadecimal.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

/// What is wrong with a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum BadRound {
    /// It is no point of the right group, or the one at infinity, which verifies nothing.
    #[error("the chain's public key is not one")]
    Key,
    /// It is not the 48 bytes of a point on the curve.
    #[error("the round's signature is not one")]
    Malformed,
    /// Another round's, another chain's, or made up.
    #[error("the signature is not this chain's of this round")]
    Forged,
}

/// Whether this is the signature of the chain with this key on this round.
pub fn verify(key: &BeaconKey, round: u64, signature: &[u8]) -> Result<(), BadRound> {
    let key = PublicKey::key_validate(&key.0).map_err(|_| BadRound::Key)?;
    // A second form of the same point (uncompressed) would be a second seed to choose from.
    let signature = Signature::uncompress(signature).map_err(|_| BadRound::Malformed)?;
    // The signature's group is checked, too: on the curve there are points outside of it.
    match signature.verify(true, &message(round), DST, &[], &key, false) {
        BLST_ERROR::BLST_SUCCESS => Ok(()),
        _ => Err(BadRound::Forged),
    }
}

/// What a round's signature is over.
pub(crate) fn message(round: u64) -> [u8; 32] {
    Sha256::digest(round.to_be_bytes()).into()
}

/// A chain as its users know it, from outside the record that is checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Beacon {
    /// Its public key.
    pub key: BeaconKey,
    /// When its rounds come. Unknown: then a record is believed what it says of that, and a checker tells so.
    pub chain: Option<BeaconChain>,
}

/// The chains that a checker trusts, by their hash.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Beacons(HashMap<String, Beacon>);

/// What [`quicknet`] is known by.
pub const QUICKNET_CHAIN: &str = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971";
const QUICKNET_KEY: [u8; 96] = [
    0x83, 0xcf, 0x0f, 0x28, 0x96, 0xad, 0xee, 0x7e, 0xb8, 0xb5, 0xf0, 0x1f, 0xca, 0xd3, 0x91, 0x22, 0x12, 0xc4, 0x37, 0xe0, 0x07,
    0x3e, 0x91, 0x1f, 0xb9, 0x00, 0x22, 0xd3, 0xe7, 0x60, 0x18, 0x3c, 0x8c, 0x4b, 0x45, 0x0b, 0x6a, 0x0a, 0x6c, 0x3a, 0xc6, 0xa5,
    0x77, 0x6a, 0x2d, 0x10, 0x64, 0x51, 0x0d, 0x1f, 0xec, 0x75, 0x8c, 0x92, 0x1c, 0xc2, 0x2b, 0x0e, 0x17, 0xe6, 0x3a, 0xaf, 0x4b,
    0xcb, 0x5e, 0xd6, 0x63, 0x04, 0xde, 0x9c, 0xf8, 0x09, 0xbd, 0x27, 0x4c, 0xa7, 0x3b, 0xab, 0x4a, 0xf5, 0xa6, 0xe9, 0xc7, 0x6a,
    0x4b, 0xc0, 0x9e, 0x76, 0xea, 0xe8, 0x99, 0x1e, 0xf5, 0xec, 0xe4, 0x5a,
];

/// The League of Entropy's chain with a round every three seconds, since August 2023.
pub fn quicknet() -> BeaconChain {
    BeaconChain { chain: QUICKNET_CHAIN.to_owned(), genesis_s: 1_692_803_367, period_s: 3 }
}

impl Beacons {
    /// Those that are built in: [`quicknet`].
    pub fn known() -> Self {
        let beacon = Beacon { key: BeaconKey(QUICKNET_KEY), chain: Some(quicknet()) };
        Self(HashMap::from([(QUICKNET_CHAIN.to_owned(), beacon)]))
    }

    /// One more, or other: whoever says so trusts it.
    #[must_use]
    pub fn with(mut self, chain: String, beacon: Beacon) -> Self {
        self.0.insert(chain, beacon);
        self
    }

    /// The chain with this hash.
    pub fn get(&self, chain: &str) -> Option<&Beacon> {
        self.0.get(chain)
    }
}

/// A chain's hash, as drand makes it from what it cannot change: when its rounds come, its key, the group that began it, and its name.
#[cfg(any(test, feature = "test-signer"))]
pub(crate) fn chain_hash(key: &BeaconKey, genesis_s: i64, period_s: u32, genesis_seed: &[u8], name: &str) -> String {
    let hash = Sha256::new().chain_update(period_s.to_be_bytes()).chain_update(genesis_s.to_be_bytes());
    hex::encode(hash.chain_update(key.0).chain_update(genesis_seed).chain_update(name).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestSigner;

    /// Rounds of quicknet, as they were published.
    const ROUNDS: [(u64, &str); 3] = [
        (1_000, "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"),
        (1_001, "b33bf3667cbd5a82de3a24b4e0e9fe5513cc1a0e840368c6e31f5fcfa79bea03f73896b25883abf2853d10337fb8fa41"),
        (657_413, "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b"),
    ];

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).unwrap()
    }

    #[test]
    fn published_rounds_verify_and_no_other_ones() {
        let known = Beacons::known();
        let key = known.get(QUICKNET_CHAIN).unwrap().key;
        let good = bytes(ROUNDS[0].1);
        for (round, signature) in ROUNDS {
            assert_eq!(verify(&key, round, &bytes(signature)), Ok(()), "round {round}");
            assert_eq!(verify(&key, round + 7, &bytes(signature)), Err(BadRound::Forged), "round {round}");
        }
        let infinity: Vec<u8> = std::iter::once(0xc0).chain([0; 47]).collect();
        let uncompressed = Signature::from_bytes(&good).unwrap().serialize();
        let rows: [(&str, &[u8], BadRound); 6] = [
            ("empty", &[], BadRound::Malformed),
            ("shorter", &good[..47], BadRound::Malformed),
            ("longer", &[good.as_slice(), &[0]].concat(), BadRound::Malformed),
            ("uncompressed", &uncompressed, BadRound::Malformed),
            ("no point", &[0xff; 48], BadRound::Malformed),
            ("infinity", &infinity, BadRound::Forged),
        ];
        for (name, signature, expected) in rows {
            assert_eq!(verify(&key, 1_000, signature), Err(expected), "{name}");
        }
    }

    #[test]
    fn a_key_that_is_none_verifies_nothing() {
        let infinity: Vec<u8> = std::iter::once(0xc0).chain([0; 95]).collect();
        for key in [[0; 96], [0xff; 96], infinity.try_into().unwrap()] {
            assert_eq!(verify(&BeaconKey(key), 1_000, &bytes(ROUNDS[0].1)), Err(BadRound::Key));
        }
    }

    /// The point with the smallest x is on the curve and outside the group.
    #[test]
    fn a_point_outside_the_group_is_no_signature() {
        let outside = (0_u8..=255).map(|x| {
            let mut point = [0; 48];
            (point[0], point[47]) = (0x80, x);
            point
        });
        let key = TestSigner::new(1).key();
        let told: Vec<BadRound> = outside.map(|point| verify(&key, 1, &point).unwrap_err()).collect();
        assert!(told.contains(&BadRound::Malformed) && told.contains(&BadRound::Forged), "{told:?}");
    }

    #[test]
    fn what_is_built_in_has_the_hash_by_which_the_chain_is_known() {
        let known = Beacons::known();
        let beacon = known.get(QUICKNET_CHAIN).unwrap();
        // Of the group that began it: drand tells it beside the key.
        let group = bytes("f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e");
        let chain = beacon.chain.as_ref().unwrap();
        assert_eq!(chain_hash(&beacon.key, chain.genesis_s, chain.period_s, &group, "quicknet"), chain.chain);
    }

    #[test]
    fn a_test_beacon_is_verified_like_a_true_one() {
        let (one, other) = (TestSigner::new(1), TestSigner::new(2));
        let signature = one.sign(7).bytes().unwrap();
        assert_eq!(signature.len(), 48);
        assert_eq!(verify(&one.key(), 7, &signature), Ok(()));
        assert_eq!(verify(&one.key(), 8, &signature), Err(BadRound::Forged));
        assert_eq!(verify(&other.key(), 7, &signature), Err(BadRound::Forged));
        assert_ne!(one.chain(0, 3).chain, other.chain(0, 3).chain);
    }
}

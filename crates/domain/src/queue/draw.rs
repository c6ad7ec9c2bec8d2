//! The draw: commit, close, reveal. Nobody who joins, and nobody who operates the room, can steer it once the lobby is closed,
//! and anyone can recompute it.
//!
//! `SHA-256(secret)` is published when the lobby opens, the Merkle root of the sorted place ids when it closes, the secret after
//! it: `seed = SHA-256(secret ‖ root ‖ beacon)`. The tree is RFC 6962's (leaves hashed after a 0x00 byte, nodes after 0x01).

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::PlaceId;

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// Lower-case hexadecimal, 64 characters.
            pub fn to_hex(self) -> String {
                hex::encode(self.0)
            }

            /// Reads [`Self::to_hex`] back.
            pub fn from_hex(text: &str) -> Option<Self> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes).ok()?;
                Some(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.to_hex())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("expected 64 hexadecimal characters"))
            }
        }
    };
}

digest!(
    /// `SHA-256(secret)`: published when the lobby opens.
    Commitment
);
digest!(
    /// Root over the sorted place ids of the lobby: published when it closes.
    MerkleRoot
);
digest!(
    /// What orders the lobby: public once the draw is done.
    DrawSeed
);

/// Thirty-two random bytes that nobody sees before the lobby is closed.
#[derive(Clone, PartialEq, Eq)]
pub struct DrawSecret(pub [u8; 32]);

impl std::fmt::Debug for DrawSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DrawSecret(…)")
    }
}

impl DrawSecret {
    /// What is published in advance.
    pub fn commitment(&self) -> Commitment {
        Commitment(Sha256::digest(self.0).into())
    }

    /// The seed of the draw over the lobby with this root. `beacon` is public randomness named in advance; empty for none.
    pub fn seed(&self, root: MerkleRoot, beacon: &[u8]) -> DrawSeed {
        DrawSeed(Sha256::new().chain_update(self.0).chain_update(root.0).chain_update(beacon).finalize().into())
    }
}

impl MerkleRoot {
    /// Root over these place ids in ascending order; sorts them in place. The empty lobby's root is the hash of nothing.
    pub fn of(places: &mut [PlaceId]) -> Self {
        places.sort_unstable();
        let mut level: Vec<[u8; 32]> =
            places.iter().map(|p| Sha256::new().chain_update([0]).chain_update(p.0).finalize().into()).collect();
        if level.is_empty() {
            return Self(Sha256::digest([]).into());
        }
        // Pairing neighbours and promoting an odd last node builds the same tree as RFC 6962's split at the largest power of two.
        while level.len() > 1 {
            level = level
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into(),
                    odd => odd[0],
                })
                .collect();
        }
        Self(level[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_does_not_depend_on_the_order_of_joining() {
        let mut one: Vec<PlaceId> = (0..7u8).map(|n| PlaceId([n; 16])).collect();
        let mut other: Vec<PlaceId> = one.iter().rev().copied().collect();
        assert_eq!(MerkleRoot::of(&mut one), MerkleRoot::of(&mut other));
        assert_ne!(MerkleRoot::of(&mut one[..6]), MerkleRoot::of(&mut other));
    }

    #[test]
    fn the_empty_and_the_single_lobby_have_the_roots_of_rfc_6962() {
        assert_eq!(MerkleRoot::of(&mut []).to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let leaf: [u8; 32] = Sha256::new().chain_update([0]).chain_update([9; 16]).finalize().into();
        assert_eq!(MerkleRoot::of(&mut [PlaceId([9; 16])]).0, leaf);
    }

    #[test]
    fn the_seed_depends_on_secret_root_and_beacon() {
        let (a, b) = (DrawSecret([1; 32]), DrawSecret([2; 32]));
        let root = MerkleRoot([3; 32]);
        assert_eq!(a.seed(root, b""), a.seed(root, b""));
        assert_ne!(a.seed(root, b""), b.seed(root, b""));
        assert_ne!(a.seed(root, b""), a.seed(MerkleRoot([4; 32]), b""));
        assert_ne!(a.seed(root, b""), a.seed(root, b"round 1"));
        assert_ne!(a.commitment(), b.commitment());
    }
}

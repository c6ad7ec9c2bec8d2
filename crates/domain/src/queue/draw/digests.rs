//! Byte strings of a fixed length that are published as hexadecimal text.

use serde::{Deserialize, Serialize};

macro_rules! hex_bytes {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// Lower-case hexadecimal, two characters a byte.
            pub fn to_hex(self) -> String {
                hex::encode(self.0)
            }

            /// Reads [`Self::to_hex`] back.
            pub fn from_hex(text: &str) -> Option<Self> {
                let mut bytes = [0; $bytes];
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
                let wrong = || serde::de::Error::custom(concat!("expected ", $bytes, " bytes in hexadecimal"));
                Self::from_hex(&text).ok_or_else(wrong)
            }
        }
    };
}

hex_bytes!(
    /// What binds the operators to their secret before anyone joins.
    Commitment, 32
);
hex_bytes!(
    /// Root of a Merkle tree.
    MerkleRoot, 32
);
hex_bytes!(
    /// What orders the lobby: known to no one before the beacon's round.
    DrawSeed, 32
);
hex_bytes!(
    /// SHA-256 of a draw's terms.
    TermsHash, 32
);
hex_bytes!(
    /// The Ed25519 public key with which receipts, heads and outcomes are checked.
    SignerKey, 32
);
hex_bytes!(
    /// An Ed25519 signature.
    Signature, 64
);

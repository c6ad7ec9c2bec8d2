//! The signed things a client holds, and the keys behind them.
//!
//! | token | says | signed with | checked by |
//! |---|---|---|---|
//! | [access](AccessSigner) | this is account A with role R | Ed25519, key `access` | every request to the API |
//! | [entry](EntrySigner) | account A may book at event E now | Ed25519, key `entry` | bookings; other backends by JWKS |
//! | [place ticket](PlaceKeys) | account A has this place in E's line | HMAC-SHA-256 | the waiting room alone |
//! | [e-mail proof](EmailProofs) | whoever has it reads the mail of A's address | HMAC-SHA-256 | the gateway alone |
//! | [password reset](PasswordResets) | whoever has it may set A's password, once | HMAC-SHA-256 | the gateway alone |
//! | [code](PlaceKeys::code_key) | its holder may join E's line; the domain's form | HMAC-SHA-256 | the waiting room alone |
//! | [challenge](PlaceKeys::challenge_key) | A has to solve it to join E's line; altcha's form | HMAC-SHA-256 | the waiting room alone |
//! | [receipt](ReceiptSigner) | this place was taken at E, as this entry of its log | Ed25519, key `receipt` | anyone, also years later |
//!
//! Not here: refresh tokens (random, stored as hashes), passwords, caches of verified tokens, the clock (`now` comes
//! in). The only I/O is [`keys::KeyFolder`], which reads and writes key files at start-up.
//!
//! Invariants:
//! * one key per purpose: a token of one purpose never passes for another, whatever its claims say;
//! * nothing of an unverified token is read but its three header fields, and nothing longer than [`MAX_TOKEN_BYTES`] at all;
//! * the header decides nothing: algorithm, type and key are the verifier's, the token may only agree;
//! * a claim that is missing, doubled, of another type or out of range is refused, never defaulted.
//!
//! Measured on one core of the 2-core machine, release build: verifying an access or entry token 42 µs, all but 1 µs of it the Ed25519
//! check (so the gateway keeps a cache of verified tokens); issuing one 20 µs; refusing another key's or purpose's token 0.3 µs; signing
//! or verifying a place ticket 0.4 µs.

mod access;
mod claims;
mod email;
mod entry;
mod error;
mod jwks;
mod jws;
pub mod keys;
mod place;
mod receipt;
mod reset;
mod ring;

pub use access::{AccessClaims, AccessSigner, AccessVerifier};
pub use claims::{ENTRY_LEEWAY_SECONDS, ISSUER, LEEWAY_SECONDS, MAX_LIFETIME_SECONDS};
pub use email::{EMAIL_PROOF_CHARS, EmailProof, EmailProofs};
pub use entry::{Entrance, EntryClaims, EntrySigner, EntryVerifier};
pub use error::TokenError;
pub use jwks::{JwksError, MAX_JWKS_KEYS, jwks};
pub use jws::MAX_TOKEN_BYTES;
pub use place::{MAX_PLACE_TICKET_BYTES, PlaceKeys, read_unverified};
pub use receipt::ReceiptSigner;
pub use reset::{PasswordReset, PasswordResets};
pub use ring::{KeyRing, Purpose};

//! What can be wrong with a draw: a name for each, which other checkers share.

use std::fmt;

use goticket_domain::EventId;
use goticket_domain::queue::PlaceId;
use goticket_domain::queue::draw::DrawSeed;
use jiff::Timestamp;
use serde::Serialize;

use crate::BadRound;

/// Who says so: what a fan kept is numbered from 1, as it was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Witness {
    /// The lobby's last head, in the record.
    Closing,
    /// A board.
    Board(usize),
    /// A receipt.
    Receipt(usize),
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closing => f.write_str("the closed lobby's head"),
            Self::Board(number) => write!(f, "board {number}"),
            Self::Receipt(number) => write!(f, "receipt {number}"),
        }
    }
}

/// The first thing that is wrong. Announcements are numbered from 1, entries and ranks from 0.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, thiserror::Error)]
#[serde(tag = "wrong", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Wrong {
    #[error("no terms were announced")]
    NoTerms,
    #[error("announcement {announcement} is of event {event}, the record of another one")]
    TermsOfAnotherEvent { announcement: usize, event: EventId },
    #[error("announcement {announcement} names the algorithm {algorithm:?}, which this checker does not know")]
    UnknownAlgorithm { announcement: usize, algorithm: String },
    #[error("announcement {announcement} commits to another secret than the first one")]
    CommitmentChanged { announcement: usize },
    #[error("announcement {announcement} names another signer than the first one")]
    SignerChanged { announcement: usize },
    #[error("announcement {announcement} is not later than the one before it")]
    AnnouncementsOutOfOrder { announcement: usize },
    #[error("announcement {announcement} drops the first one's beacon, or names another one")]
    BeaconChanged { announcement: usize },
    #[error("announcement {announcement} leaves no time between the lobby's end and the beacon's round")]
    NoMargin { announcement: usize },
    #[error("announcement {announcement} says that the beacon's rounds come at other times than they do")]
    RoundTimes { announcement: usize },
    #[error("announcement {announcement} names round {round}, but round {expected} follows from its closing time")]
    WrongRound { announcement: usize, round: u64, expected: u64 },
    #[error(
        "announcement {announcement} came when the round of the one before was out already ({known_since}): what could be known was replaced"
    )]
    LateAnnouncement { announcement: usize, known_since: Timestamp },

    #[error("something was drawn, but the lobby was not closed")]
    NotClosed,
    #[error("the closed lobby's head is not marked as its last one")]
    HeadNotLast,
    #[error("the signer has not signed {witness}, or not over its terms")]
    ForgedHead { witness: Witness },
    #[error("the lobby was closed at {at}, before the announced {closes_at}")]
    ClosedEarly { at: Timestamp, closes_at: Timestamp },
    #[error("the lobby was closed at {at}, when the beacon's round was out already ({known_since})")]
    ClosedLate { at: Timestamp, known_since: Timestamp },
    #[error("{witness} was signed at {at}, when its terms were not in force")]
    TermsOutOfTime { witness: Witness, at: Timestamp },

    #[error("the list of entries ends within an entry, or entry {entry} is none")]
    BrokenEntry { entry: u64 },
    #[error("the list has {listed} entries, the closed lobby {size}")]
    WrongSize { listed: u64, size: u64 },
    #[error("the list of entries is not the one that the closed lobby's head is over")]
    WrongRoot,

    #[error("{witness} is of terms that were never announced: they were moved silently")]
    TermsMoved { witness: Witness },
    #[error("{witness} shows a lobby of {size} entries, the closed one has {closed}: entries were dropped")]
    EntriesDropped { witness: Witness, size: u64, closed: u64 },
    #[error("{witness} shows other first {size} entries than the list has: some were added, dropped or moved afterwards")]
    EntriesChanged { witness: Witness, size: u64 },
    #[error("{witness} shows a lobby that was closed in another way than the record says")]
    ClosedTwice { witness: Witness },
    #[error("{witness} shows the seed {seed:?}, the record another one or none")]
    SeedChanged { witness: Witness, seed: DrawSeed },

    #[error("{witness} is of event {event}, the record of another one")]
    ReceiptOfAnotherEvent { witness: Witness, event: EventId },
    #[error("the signer has not signed {witness}")]
    ForgedReceipt { witness: Witness },
    #[error("{witness} says that entry {entry} took the place {place:?}, the list says something else: it was dropped or moved")]
    ReceiptIgnored { witness: Witness, entry: u64, place: PlaceId },
    #[error("{witness} was signed at {at}, before the lobby closed, and its entry {entry} is left out of the list")]
    ReceiptCutOff { witness: Witness, entry: u64, at: Timestamp },

    #[error("the secret is not 32 bytes in hexadecimal")]
    SecretMalformed,
    #[error("the secret is not the one that the terms commit to")]
    SecretNotCommitted,
    #[error("the terms name a beacon, and the draw was made without it")]
    BeaconMissing,
    #[error("the draw was made with a beacon that the terms do not name")]
    BeaconNotInTerms,
    #[error("the public key of the beacon's chain {chain} is not known here: without it no round of it can be checked")]
    UnknownChain { chain: String },
    #[error("round {round}: {bad}")]
    BadRound { round: u64, bad: BadRound },
    #[error("another seed follows from the closed lobby, the secret and the round")]
    WrongSeed,
    #[error("{places} were drawn, but {participants} took part")]
    WrongPlaces { places: u64, participants: u64 },
    #[error("another order follows from the seed than was published")]
    WrongRanks,
    #[error("the signer has not signed the outcome")]
    ForgedOutcome,

    #[error("the ticket says that its place has rank {said}, the draw says something else")]
    RankNotDrawn { said: u64 },
    #[error("the proofs are of the place {place:?}, not of the one that was asked for")]
    ProofsOfAnotherPlace { place: PlaceId },
    #[error("the proof of an entry does not lead to the closed lobby's root")]
    EntryNotProved,
    #[error("the proof of the rank does not lead to the published root, or is missing")]
    RankNotProved,
}

impl Wrong {
    /// Its name: the variant's, in snake case.
    pub fn name(&self) -> String {
        let told = serde_json::to_value(self).unwrap_or_default();
        told["wrong"].as_str().unwrap_or_default().to_owned()
    }
}

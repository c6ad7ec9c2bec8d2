//! A board as this gateway has it: the bytes in which it came, and what is made of them once, however many fans ask.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use goticket_domain::queue::{Board, HeldUp, PublishedBoard, RoomState};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::packed;

/// A board that was not renewed for this long is no answer any more. The waiting room repeats even unchanged ones more often.
pub(crate) const STALE_AFTER: Duration = Duration::from_secs(10);
/// Bytes of the hash that name a version. Two boards of one event share a name with a chance of 2^-128.
const TAG_BYTES: usize = 16;

/// A board.
pub(crate) struct Seen {
    pub(crate) board: Board,
    pub(crate) json: Bytes,
    gzip: OnceLock<Option<Bytes>>,
    tag: OnceLock<String>,
    event: OnceLock<Bytes>,
    at: Instant,
    /// When the waiting room last said that it can reach what it writes to.
    heard_at: Instant,
}

impl Seen {
    pub(crate) fn new(published: &PublishedBoard, at: Instant) -> Self {
        Self {
            board: published.board.clone(),
            json: Bytes::from_owner(published.json.clone()),
            gzip: OnceLock::new(),
            tag: OnceLock::new(),
            event: OnceLock::new(),
            at,
            heard_at: at,
        }
    }

    /// The same, after this one.
    pub(crate) fn after(self, known: &Self) -> Self {
        let away = self.board.held_up_by == Some(HeldUp::StoresAway);
        Self { heard_at: if away { known.heard_at } else { self.heard_at }, ..self }
    }

    /// The waiting room was not heard of, or could do nothing, for so long that it is taken for lost.
    pub(crate) fn is_lost(&self, now: Instant) -> bool {
        self.board.state != RoomState::Closed && now.duration_since(self.heard_at) >= STALE_AFTER
    }

    /// A closed room's never changes again.
    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        self.board.state == RoomState::Closed || now.duration_since(self.at) < STALE_AFTER
    }

    pub(crate) fn takes_the_place_of(&self, known: &Self) -> bool {
        let same = (self.board.log, self.board.at) == (known.board.log, known.board.at);
        self.board.is_newer_than(&known.board) || !(same || known.is_fresh(self.at))
    }

    /// The JSON as a gzip body. Some kilobytes are compressed faster than another thread is told to.
    pub(crate) fn gzip(&self) -> Option<&Bytes> {
        self.gzip.get_or_init(|| packed::gzip_small(&self.json).ok()).as_ref()
    }

    /// The board as a server-sent event.
    pub(crate) fn event(&self, version: impl std::fmt::Display) -> &Bytes {
        self.event.get_or_init(|| {
            let mut event = format!("event: board\nid: {version}\n").into_bytes();
            for line in self.json.split(|byte| *byte == b'\n') {
                event.extend([b"data: ", line, b"\n"].concat());
            }
            event.push(b'\n');
            event.into()
        })
    }

    /// Names the bytes of the JSON.
    pub(crate) fn tag(&self) -> &str {
        self.tag.get_or_init(|| hex::encode(&Sha256::digest(&self.json)[..TAG_BYTES]))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use goticket_domain::EventId;
    use goticket_domain::queue::{BoardVersion, ControlLogHead, EtaModel, Pivots, WhenDown};
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;

    /// An open room's, after so many entries, at this time.
    pub(crate) fn board(log: u64, at_ms: i64) -> Board {
        Board {
            event: EventId(Uuid::nil()),
            state: RoomState::Open,
            at: Timestamp::from_millisecond(at_ms).unwrap(),
            log,
            lobby_opens_at: Timestamp::UNIX_EPOCH,
            onsale_at: Timestamp::UNIX_EPOCH,
            waiting: 0,
            admitted: 0,
            frontier: None,
            passed: None,
            deferred_frontier: None,
            deferred_passed: None,
            rate_per_min: 60,
            observed_per_min: 0,
            draw: None,
            pivots: Pivots::default(),
            availability: Vec::new(),
            selling: true,
            message: String::new(),
            control_log: ControlLogHead::default(),
            eta: EtaModel::of_rate(60, 0),
            held_up_by: None,
            inside: 0,
            currency: None,
            when_down: WhenDown::FailClosed,
            shadow: None,
            categories: None,
        }
    }

    /// As a waiting room publishes it.
    pub(crate) fn published(board: Board) -> PublishedBoard {
        PublishedBoard::new(BoardVersion::default(), board).unwrap()
    }

    #[test]
    fn a_board_is_served_as_it_came_and_compressed_once() {
        let made = published(board(1, 1));
        // A newer waiting room says more than this gateway knows.
        let text = String::from_utf8(made.json.to_vec()).unwrap().replacen('{', "{ \"more\": 1,", 1);
        let read = PublishedBoard::read(made.version, text.as_bytes().into()).unwrap();
        let seen = Seen::new(&read, Instant::now());
        assert_eq!(seen.json, text);
        let packed = seen.gzip().unwrap();
        assert_eq!(seen.gzip().unwrap().as_ptr(), packed.as_ptr());
        let mut unpacked = String::new();
        GzDecoder::new(&packed[..]).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, text);
        assert_eq!(seen.tag().len(), 2 * TAG_BYTES);
        assert_ne!(seen.tag(), Seen::new(&made, Instant::now()).tag());
    }
}

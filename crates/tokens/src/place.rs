//! The place ticket: `p2.<payload>.<mac>`, HMAC-SHA-256, because only our own services check it and they check it often.
//!
//! The payload is of fixed length, so every ticket has one text and a wrong length is refused before any work:
//!
//! | bytes | 1 | 16 | 16 | 16 | 1 | 8 | 8 |
//! |---|---|---|---|---|---|---|---|
//! | what | key id | place | event | account | 0 lobby, 1 late, 2 drawn, 3 deferred | sequence or rank (0 in the lobby) | issued at, Unix ms |
//!
//! Numbers are big-endian. `p2` names this layout and is covered by the MAC.

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use goticket_domain::queue::{PlaceId, PlaceKind, PlaceTicket, Score};
use goticket_domain::{AccountId, EventId};
use uuid::Uuid;

use crate::TokenError;

const PREFIX: &str = "p2.";
const PAYLOAD_BYTES: usize = 1 + 16 + 16 + 16 + 1 + 8 + 8;
const PAYLOAD_CHARS: usize = (PAYLOAD_BYTES * 4).div_ceil(3);
const MAC_BYTES: usize = 32;
const MAC_CHARS: usize = (MAC_BYTES * 4).div_ceil(3);
/// Length of every place ticket's text.
pub const MAX_PLACE_TICKET_BYTES: usize = PREFIX.len() + PAYLOAD_CHARS + 1 + MAC_CHARS;

const LOBBY: u8 = 0;
const LATE: u8 = 1;
const DRAWN: u8 = 2;
const DEFERRED: u8 = 3;

/// A key that signs or signed place tickets, and the byte that hints at it.
#[derive(Clone)]
struct TicketKey {
    kid: u8,
    key: Key,
    /// Signs what is to be solved before a join.
    challenges: [u8; 32],
    /// Gives each event the key of its codes.
    codes: Key,
    /// Gives each event the key of its groups' codes.
    groups: Key,
}

impl TicketKey {
    fn new(root: &[u8; 32]) -> Self {
        let root = Key::new(HMAC_SHA256, root);
        let (signing, kid) = (hmac::sign(&root, b"goticket place ticket"), hmac::sign(&root, b"goticket place ticket kid"));
        let challenges = derived(&root, &[b"goticket join challenge"]);
        let codes = Key::new(HMAC_SHA256, &derived(&root, &[b"goticket queue codes"]));
        let groups = Key::new(HMAC_SHA256, &derived(&root, &[b"goticket queue groups"]));
        Self { kid: kid.as_ref()[0], key: Key::new(HMAC_SHA256, signing.as_ref()), challenges, codes, groups }
    }

    fn code_key(&self, event: EventId) -> [u8; 32] {
        derived(&self.codes, &[event.0.as_bytes()])
    }

    fn group_key(&self, event: EventId) -> [u8; 32] {
        derived(&self.groups, &[event.0.as_bytes()])
    }

    fn mac(&self, payload: &[u8; PAYLOAD_BYTES]) -> hmac::Tag {
        hmac::sign(&self.key, &covered(payload))
    }
}

/// The secrets of places: one key signs tickets and may rotate; another one gives each event the key of its place ids and may
/// not rotate while a room is open, or one account could have two places.
#[derive(Clone)]
pub struct PlaceKeys {
    signing: TicketKey,
    old: Vec<TicketKey>,
    ids: Key,
}

impl PlaceKeys {
    pub(crate) fn new(ids: &[u8; 32], signing: &[u8; 32], old: &[[u8; 32]]) -> Self {
        let old = old.iter().map(TicketKey::new).collect();
        Self { signing: TicketKey::new(signing), old, ids: Key::new(HMAC_SHA256, ids) }
    }

    /// The key of an event's place ids ([`PlaceId::of`]). Whoever has it can tell which account a published place belongs to.
    pub fn event_key(&self, event: EventId) -> [u8; 32] {
        derived(&self.ids, &[b"goticket place ids", event.0.as_bytes()])
    }

    /// Signs the event's codes that are made from now on.
    pub fn code_key(&self, event: EventId) -> [u8; 32] {
        self.signing.code_key(event)
    }

    /// Those whose codes are good: the one that signs, and those that did before.
    pub fn code_keys(&self, event: EventId) -> impl Iterator<Item = [u8; 32]> {
        self.keys().map(move |key| key.code_key(event))
    }

    /// Signs the codes of the event's groups.
    pub fn group_key(&self, event: EventId) -> [u8; 32] {
        self.signing.group_key(event)
    }

    /// Those whose groups' codes are good: the one that signs, and those that did before.
    pub fn group_keys(&self, event: EventId) -> impl Iterator<Item = [u8; 32]> {
        self.keys().map(move |key| key.group_key(event))
    }

    /// Signs the challenges that are solved before a join.
    pub fn challenge_key(&self) -> [u8; 32] {
        self.signing.challenges
    }

    /// Those that are good: the one that signs, and those that did before.
    pub fn challenge_keys(&self) -> impl Iterator<Item = [u8; 32]> {
        self.keys().map(|key| key.challenges)
    }

    /// The ticket's text, [`MAX_PLACE_TICKET_BYTES`] long, safe in URLs and headers.
    pub fn sign(&self, ticket: &PlaceTicket) -> String {
        let payload = encode(self.signing.kid, ticket);
        let mut text = String::with_capacity(MAX_PLACE_TICKET_BYTES);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(payload, &mut text);
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(self.signing.mac(&payload), &mut text);
        text
    }

    /// The same as [`Self::authenticate`], and it must be this account's.
    pub fn verify(&self, text: &str, event: EventId, account: AccountId) -> Result<PlaceTicket, TokenError> {
        let ticket = self.authenticate(text, event)?;
        if ticket.account == account { Ok(ticket) } else { Err(TokenError::WrongAccount) }
    }

    /// Checks form, signature and event, in this order: whoever shows it may read the place, and no more. A place ticket doesn't
    /// expire: the room says what it is still worth. Costs 0.4 µs: no cache needed.
    pub fn authenticate(&self, text: &str, event: EventId) -> Result<PlaceTicket, TokenError> {
        let (payload, mac) = split(text).ok_or(TokenError::Malformed)?;
        let mut named = self.keys().filter(|key| key.kid == payload[0]).peekable();
        named.peek().ok_or(TokenError::UnknownKey)?;
        if !named.any(|key| hmac::verify(&key.key, &covered(&payload), &mac).is_ok()) {
            return Err(TokenError::BadSignature);
        }
        let ticket = decode(&payload).ok_or(TokenError::Malformed)?;
        if ticket.event != event {
            return Err(TokenError::WrongEvent);
        }
        Ok(ticket)
    }

    fn keys(&self) -> impl Iterator<Item = &TicketKey> {
        std::iter::once(&self.signing).chain(&self.old)
    }
}

/// A key for one purpose.
fn derived(root: &Key, purpose: &[&[u8]]) -> [u8; 32] {
    let tag = hmac::sign(root, &purpose.concat());
    let mut key = [0; 32];
    key.copy_from_slice(tag.as_ref());
    key
}

impl std::fmt::Debug for PlaceKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlaceKeys").field("kids", &self.keys().map(|key| key.kid).collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

/// What a ticket's text says. Whether it is true only its keys tell: for a holder who asks about their own place, elsewhere.
pub fn read_unverified(text: &str) -> Option<PlaceTicket> {
    decode(&split(text)?.0)
}

/// What the MAC covers: the layout's name and the payload.
fn covered(payload: &[u8; PAYLOAD_BYTES]) -> [u8; PREFIX.len() + PAYLOAD_BYTES] {
    let mut message = [0; PREFIX.len() + PAYLOAD_BYTES];
    message[..PREFIX.len()].copy_from_slice(PREFIX.as_bytes());
    message[PREFIX.len()..].copy_from_slice(payload);
    message
}

/// Cuts a text of exactly the right length into payload and MAC.
fn split(text: &str) -> Option<([u8; PAYLOAD_BYTES], [u8; MAC_BYTES])> {
    if text.len() != MAX_PLACE_TICKET_BYTES {
        return None;
    }
    let (payload, mac) = text.strip_prefix(PREFIX)?.split_once('.')?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?.try_into().ok()?;
    let mac = URL_SAFE_NO_PAD.decode(mac).ok()?.try_into().ok()?;
    Some((payload, mac))
}

fn encode(kid: u8, ticket: &PlaceTicket) -> [u8; PAYLOAD_BYTES] {
    let (kind, number) = match ticket.kind {
        PlaceKind::Lobby => (LOBBY, 0),
        PlaceKind::Late { sequence } => (LATE, sequence),
        PlaceKind::Drawn { rank } => (DRAWN, rank),
        PlaceKind::Deferred { sequence } => (DEFERRED, sequence),
    };
    let parts: [&[u8]; 7] = [
        &[kid],
        &ticket.place.0,
        ticket.event.0.as_bytes(),
        ticket.account.0.as_bytes(),
        &[kind],
        &number.to_be_bytes(),
        &ticket.issued_at_ms.to_be_bytes(),
    ];
    let mut payload = [0; PAYLOAD_BYTES];
    let mut at = 0;
    for part in parts {
        payload[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    payload
}

/// Reads [`encode`] back; None for a kind or number that no room gives out.
fn decode(payload: &[u8; PAYLOAD_BYTES]) -> Option<PlaceTicket> {
    let (_kid, rest) = payload.split_first_chunk::<1>()?;
    let (place, rest) = rest.split_first_chunk::<16>()?;
    let (event, rest) = rest.split_first_chunk::<16>()?;
    let (account, rest) = rest.split_first_chunk::<16>()?;
    let (kind, rest) = rest.split_first_chunk::<1>()?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (issued_at_ms, _) = rest.split_first_chunk::<8>()?;
    let kind = match (kind[0], u64::from_be_bytes(*number)) {
        (LOBBY, 0) => PlaceKind::Lobby,
        (LATE, sequence) if Score::late(sequence).is_some() => PlaceKind::Late { sequence },
        (DRAWN, rank) if Score::drawn(rank).is_some() => PlaceKind::Drawn { rank },
        (DEFERRED, sequence) if Score::deferred(sequence).is_some() => PlaceKind::Deferred { sequence },
        _ => return None,
    };
    Some(PlaceTicket {
        place: PlaceId(*place),
        event: EventId(Uuid::from_bytes(*event)),
        account: AccountId(Uuid::from_bytes(*account)),
        kind,
        issued_at_ms: i64::from_be_bytes(*issued_at_ms),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ticket(ids: [[u8; 16]; 3], kind: PlaceKind, issued_at_ms: i64) -> PlaceTicket {
        let [place, event, account] = ids;
        let (event, account) = (EventId(Uuid::from_bytes(event)), AccountId(Uuid::from_bytes(account)));
        PlaceTicket { place: PlaceId(place), event, account, kind, issued_at_ms }
    }

    proptest! {
        #[test]
        fn every_ticket_comes_back_as_it_was(ids: [[u8; 16]; 3], kind in 0..4, number in 0_u64..(1 << 51), issued_at_ms: i64) {
            let kind = match kind {
                0 => PlaceKind::Lobby,
                1 => PlaceKind::Late { sequence: number },
                2 => PlaceKind::Drawn { rank: number },
                _ => PlaceKind::Deferred { sequence: number },
            };
            let ticket = ticket(ids, kind, issued_at_ms);
            let keys = PlaceKeys::new(&[1; 32], &[2; 32], &[]);
            let text = keys.sign(&ticket);
            prop_assert_eq!(text.len(), MAX_PLACE_TICKET_BYTES);
            prop_assert_eq!(keys.authenticate(&text, ticket.event), Ok(ticket.clone()));
            prop_assert_eq!(read_unverified(&text), Some(ticket.clone()));
            prop_assert_eq!(keys.verify(&text, ticket.event, ticket.account), Ok(ticket));
        }
    }

    /// The layout is on fans' phones for the length of a sale: changing it takes a new prefix.
    #[test]
    fn the_layout_is_frozen() {
        let ticket = ticket([[1; 16], [2; 16], [3; 16]], PlaceKind::Late { sequence: 5 }, 7);
        let text = PlaceKeys::new(&[1; 32], &[2; 32], &[]).sign(&ticket);
        // Computed with another HMAC implementation.
        let golden = concat!(
            "p2.kAEBAQEBAQEBAQEBAQEBAQECAgICAgICAgICAgICAgICAwMDAwMDAwMDAwMDAwMDAwEAAAAAAAAABQAAAAAAAAAH",
            ".6ogFJDVkwwc_-NbARPggK_B7UdIxAQKGy1-zvX5OTNA",
        );
        assert_eq!(text, golden);
    }

    #[test]
    fn each_event_has_keys_of_its_own_for_each_kind_of_code_and_a_key_of_before_is_good() {
        let (before, now) = (PlaceKeys::new(&[1; 32], &[2; 32], &[]), PlaceKeys::new(&[1; 32], &[3; 32], &[[2; 32]]));
        let (event, other) = (EventId(Uuid::from_u128(1)), EventId(Uuid::from_u128(2)));
        assert_ne!(before.group_key(event), before.group_key(other));
        assert_ne!(before.group_key(event), before.code_key(event));
        assert_eq!(now.group_keys(event).collect::<Vec<_>>(), [now.group_key(event), before.group_key(event)]);
        assert_eq!(now.code_keys(event).collect::<Vec<_>>(), [now.code_key(event), before.code_key(event)]);
    }

    #[test]
    fn a_signed_payload_that_no_room_gives_out_is_malformed() {
        let keys = PlaceKeys::new(&[1; 32], &[2; 32], &[]);
        let good = ticket([[1; 16], [2; 16], [3; 16]], PlaceKind::Lobby, 7);
        let rows: [(&str, usize, u8, Result<PlaceTicket, TokenError>); 4] = [
            ("untouched", 49, 0, Ok(good.clone())),
            ("an unknown kind", 49, 4, Err(TokenError::Malformed)),
            ("a lobby place with a sequence", 57, 1, Err(TokenError::Malformed)),
            ("another event", 17, 9, Err(TokenError::WrongEvent)),
        ];
        for (name, at, byte, expected) in rows {
            let mut payload = encode(keys.signing.kid, &good);
            payload[at] = byte;
            let mac = keys.signing.mac(&payload);
            let text = format!("{PREFIX}{}.{}", URL_SAFE_NO_PAD.encode(payload), URL_SAFE_NO_PAD.encode(mac));
            assert_eq!(keys.verify(&text, good.event, good.account), expected, "{name}");
        }
        for kind in
            [PlaceKind::Late { sequence: 1 << 52 }, PlaceKind::Drawn { rank: 1 << 51 }, PlaceKind::Deferred { sequence: 1 << 51 }]
        {
            let beyond = PlaceTicket { kind, ..good.clone() };
            assert_eq!(keys.verify(&keys.sign(&beyond), good.event, good.account), Err(TokenError::Malformed), "{kind:?}");
        }
    }
}

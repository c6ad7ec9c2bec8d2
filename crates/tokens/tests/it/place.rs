//! Place tickets and the keys of place ids.

use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use goticket_domain::identity::Role;
use goticket_domain::queue::{PlaceId, PlaceKind, PlaceTicket};
use goticket_domain::{AccountId, EventId};
use goticket_tokens::keys::KeyFolder;
use goticket_tokens::{MAX_PLACE_TICKET_BYTES, PlaceKeys, TokenError};
use tempfile::TempDir;
use uuid::Uuid;

use crate::world::{ACCOUNT, EVENT, NOW_S, World, at, now};

/// Keys out of a folder with these files; a fixed byte per key, so that key ids never meet by chance.
fn keys(files: &[(&str, u8)]) -> PlaceKeys {
    let dir = TempDir::new().unwrap();
    for (name, byte) in files {
        std::fs::write(dir.path().join(name), format!("{byte:02x}").repeat(32)).unwrap();
    }
    KeyFolder::at(dir.path()).place().unwrap()
}

fn current() -> PlaceKeys {
    keys(&[("place.key", 1), ("place-id.key", 2)])
}

fn ticket(keys: &PlaceKeys) -> PlaceTicket {
    let place = PlaceId::of(&keys.event_key(EVENT), ACCOUNT);
    PlaceTicket { place, event: EVENT, account: ACCOUNT, kind: PlaceKind::Late { sequence: 41 }, issued_at_ms: NOW_S * 1000 }
}

#[test]
fn what_was_signed_is_what_is_read() {
    let keys = current();
    let last = (1 << 52) - 1;
    let kinds = [
        PlaceKind::Lobby,
        PlaceKind::Late { sequence: 0 },
        PlaceKind::Late { sequence: last },
        PlaceKind::Drawn { rank: last / 2 },
        PlaceKind::Deferred { sequence: last / 2 },
    ];
    for kind in kinds {
        let ticket = PlaceTicket { kind, ..ticket(&keys) };
        assert_eq!(keys.verify(&keys.sign(&ticket), EVENT, ACCOUNT), Ok(ticket));
    }
}

#[test]
fn no_hostile_place_ticket_passes() {
    let (keys, world) = (current(), World::new());
    let text = keys.sign(&ticket(&keys));
    let (message, mac) = text.rsplit_once('.').unwrap();
    let payload = URL_SAFE_NO_PAD.decode(message.strip_prefix("p2.").unwrap()).unwrap();
    let maced = |mac: &[u8]| format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac));
    let under = |key: &[u8], data: &[u8]| maced(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref());
    let covered = [b"p2.".as_slice(), &payload].concat();
    let front = PlaceTicket { kind: PlaceKind::Lobby, ..ticket(&keys) };
    let front_payload = keys.sign(&front).rsplit_once('.').unwrap().0.to_owned();
    let (stranger, other) = (self::keys(&[("place.key", 5), ("place-id.key", 2)]), world.keys);
    let malformed = Err(TokenError::Malformed);
    let forged = Err(TokenError::BadSignature);
    let rows = [
        ("good", text.clone(), Ok(())),
        ("nothing", String::new(), malformed.clone()),
        ("dots", "..".to_owned(), malformed.clone()),
        ("no MAC", message.to_owned(), malformed.clone()),
        ("an empty MAC", format!("{message}."), malformed.clone()),
        ("another layout", text.replacen("p2.", "p1.", 1), malformed.clone()),
        ("a character more", format!("{text}A"), malformed.clone()),
        ("a character less", text[1..].to_owned(), malformed.clone()),
        ("a megabyte", "p2.".repeat(1 << 18), malformed.clone()),
        ("not base64", format!("p2.!{}", &text[4..]), malformed.clone()),
        ("characters of two bytes", "ü".repeat(MAX_PLACE_TICKET_BYTES / 2), malformed.clone()),
        (
            "an entry token",
            other.entry_signer.issue(
                goticket_tokens::Entrance::to_all_of(EVENT),
                ACCOUNT,
                PlaceId([1; 16]),
                now(),
                at(NOW_S + 60),
            ),
            malformed.clone(),
        ),
        (
            "an access token",
            other.access_signer.issue(ACCOUNT, Role::Admin, Uuid::nil(), now(), Duration::from_mins(1)),
            malformed.clone(),
        ),
        ("zeros for a MAC", maced(&[0; 32]), forged.clone()),
        ("a plain hash for a MAC", maced(digest::digest(&digest::SHA256, &covered).as_ref()), forged.clone()),
        ("MACed with an empty key", under(b"", &covered), forged.clone()),
        ("MACed with the file's key itself", under(&[1; 32], &covered), forged.clone()),
        ("MACed with the key of place ids", under(&[2; 32], &covered), forged.clone()),
        ("MACed with the event's key", under(&keys.event_key(EVENT), &covered), forged.clone()),
        ("a lobby place under a late one's MAC", format!("{front_payload}.{mac}"), forged),
        ("another installation's", stranger.sign(&ticket(&keys)), Err(TokenError::UnknownKey)),
    ];
    for (name, text, expected) in rows {
        assert_eq!(keys.verify(&text, EVENT, ACCOUNT).map(drop), expected, "{name}: {text}");
    }
}

#[test]
fn a_ticket_is_one_accounts_at_one_event() {
    let keys = current();
    let text = keys.sign(&ticket(&keys));
    let (event, account) = (EventId(Uuid::from_u128(99)), AccountId(Uuid::from_u128(99)));
    assert_eq!(keys.verify(&text, event, ACCOUNT), Err(TokenError::WrongEvent));
    assert_eq!(keys.verify(&text, EVENT, account), Err(TokenError::WrongAccount));
}

#[test]
fn a_changed_character_anywhere_is_noticed() {
    let keys = current();
    let text = keys.sign(&ticket(&keys));
    for at in 0..text.len() {
        for swap in ["A", "B", "_", ".", "="] {
            let forged = format!("{}{swap}{}", &text[..at], &text[at + 1..]);
            assert!(forged == text || keys.verify(&forged, EVENT, ACCOUNT).is_err(), "{swap} at {at}");
        }
    }
}

#[test]
fn rotating_the_signing_key_keeps_tickets_and_places() {
    let before = current();
    let after = keys(&[("place.key", 3), ("place.old.2026.key", 1), ("place-id.key", 2)]);
    let dropped = keys(&[("place.key", 3), ("place-id.key", 2)]);
    let text = before.sign(&ticket(&before));
    assert_eq!(after.verify(&text, EVENT, ACCOUNT), Ok(ticket(&before)));
    assert_eq!(after.event_key(EVENT), before.event_key(EVENT), "one account keeps its one place");
    assert_ne!(after.sign(&ticket(&before)), text, "new tickets are signed with the new key");
    assert_eq!(before.verify(&after.sign(&ticket(&before)), EVENT, ACCOUNT), Err(TokenError::UnknownKey));
    assert_eq!(dropped.verify(&text, EVENT, ACCOUNT), Err(TokenError::UnknownKey));
}

#[test]
fn each_event_has_its_own_key_of_place_ids() {
    let keys = current();
    let other = EventId(Uuid::from_u128(99));
    assert_eq!(keys.event_key(EVENT), current().event_key(EVENT));
    assert_ne!(keys.event_key(EVENT), keys.event_key(other));
    assert_ne!(keys.event_key(EVENT), self::keys(&[("place.key", 1), ("place-id.key", 9)]).event_key(EVENT));
}

#[test]
fn what_follows_from_a_place_key_outlives_its_rotation_and_serves_one_purpose() {
    let before = current();
    let after = keys(&[("place.key", 3), ("place.old.2026.key", 1), ("place-id.key", 2)]);
    let elsewhere = EventId(Uuid::from_u128(99));
    assert!(after.challenge_keys().any(|key| key == before.challenge_key()));
    assert!(after.code_keys(EVENT).any(|key| key == before.code_key(EVENT)));
    assert_eq!(
        (after.challenge_keys().next(), after.code_keys(EVENT).next()),
        (Some(after.challenge_key()), Some(after.code_key(EVENT)))
    );
    let all = [
        before.event_key(EVENT),
        before.challenge_key(),
        before.code_key(EVENT),
        before.code_key(elsewhere),
        after.code_key(EVENT),
    ];
    for (index, key) in all.iter().enumerate() {
        assert!(!all[..index].contains(key), "key {index} is another one's");
    }
}

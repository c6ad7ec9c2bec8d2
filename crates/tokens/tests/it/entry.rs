//! Entry tokens.

use goticket_domain::queue::PlaceId;
use goticket_domain::{AccountId, EventId};
use goticket_tokens::keys::Keys;
use goticket_tokens::{ENTRY_LEEWAY_SECONDS, Entrance, EntryClaims, TokenError};
use serde_json::json;
use uuid::Uuid;

use crate::forge::with;
use crate::hostile::Kind;
use crate::world::{ACCOUNT, EVENT, NOW_S, World, at, now};

const PLACE: PlaceId = PlaceId([7; 16]);

fn kind(world: &World) -> Kind<'_> {
    Kind {
        own: &world.entry,
        other: &world.access,
        own_pem: std::fs::read_to_string(world.dir.path().join("entry.pub.pem")).unwrap(),
        header: json!({ "typ": "entry+jwt", "alg": "EdDSA", "kid": world.entry.kid }),
        claims: json!({
            "iss": "goticket", "aud": "goticket-entry", "sub": ACCOUNT, "event": EVENT, "jti": PLACE,
            "iat": NOW_S, "exp": NOW_S + 900,
        }),
        other_typ: "at+jwt",
        other_aud: "goticket-api",
        leeway_s: ENTRY_LEEWAY_SECONDS,
    }
}

#[test]
fn what_was_issued_is_what_is_read() {
    let keys = Keys::generate();
    let token = keys.entry_signer.issue(Entrance::to_all_of(EVENT), ACCOUNT, PLACE, now(), at(NOW_S + 600));
    let expected =
        EntryClaims { entrance: Entrance::to_all_of(EVENT), account: ACCOUNT, place: PLACE, expires_at: at(NOW_S + 600) };
    assert_eq!(keys.entry_verifier.verify(&token, EVENT, ACCOUNT, now()), Ok(expected));
}

#[test]
fn no_hostile_entry_token_passes() {
    let world = World::new();
    for (name, token, expected) in kind(&world).rows() {
        assert_eq!(world.keys.entry_verifier.verify(&token, EVENT, ACCOUNT, now()).map(drop), expected, "{name}: {token}");
    }
}

#[test]
fn an_entry_token_admits_one_account_to_one_event() {
    let world = World::new();
    let token = world.keys.entry_signer.issue(Entrance::to_all_of(EVENT), ACCOUNT, PLACE, now(), at(NOW_S + 600));
    let (event, account) = (EventId(Uuid::from_u128(99)), AccountId(Uuid::from_u128(99)));
    let rows = [
        ("its own", EVENT, ACCOUNT, Ok(())),
        ("another event", event, ACCOUNT, Err(TokenError::WrongEvent)),
        ("another account", EVENT, account, Err(TokenError::WrongAccount)),
        ("neither", event, account, Err(TokenError::WrongEvent)),
    ];
    for (name, event, account, expected) in rows {
        assert_eq!(world.keys.entry_verifier.verify(&token, event, account, now()).map(drop), expected, "{name}");
    }
}

#[test]
fn event_and_place_are_never_defaulted() {
    let world = World::new();
    let kind = kind(&world);
    let rows = [
        ("event", None),
        ("event", Some(json!("*"))),
        ("event", Some(json!([EVENT]))),
        ("jti", Some(json!("07"))),
        ("jti", Some(json!("zz".repeat(16)))),
    ];
    for (member, value) in rows {
        let token = world.entry.sign(&kind.header, &with(&kind.claims, member, value.clone()));
        let refused = world.keys.entry_verifier.verify(&token, EVENT, ACCOUNT, now());
        assert_eq!(refused, Err(TokenError::Malformed), "{member} {value:?}");
    }
}

//! Access tokens.

use std::time::Duration;

use goticket_domain::identity::Role;
use goticket_tokens::keys::Keys;
use goticket_tokens::{AccessClaims, LEEWAY_SECONDS, MAX_LIFETIME_SECONDS, TokenError};
use serde_json::json;
use uuid::Uuid;

use crate::forge::with;
use crate::hostile::Kind;
use crate::world::{ACCOUNT, NOW_S, World, at, now};

const FAMILY: Uuid = Uuid::from_u128(0xf);

fn kind(world: &World) -> Kind<'_> {
    Kind {
        own: &world.access,
        other: &world.entry,
        own_pem: std::fs::read_to_string(world.dir.path().join("access.pub.pem")).unwrap(),
        header: json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": world.access.kid }),
        claims: json!({
            "iss": "goticket", "aud": "goticket-api", "sub": ACCOUNT, "role": "user", "jti": FAMILY,
            "iat": NOW_S, "exp": NOW_S + 900,
        }),
        other_typ: "entry+jwt",
        other_aud: "goticket-entry",
        leeway_s: LEEWAY_SECONDS,
    }
}

#[test]
fn what_was_issued_is_what_is_read() {
    let keys = Keys::generate();
    for role in [Role::User, Role::Organizer, Role::Admin] {
        let token = keys.access_signer.issue(ACCOUNT, role, FAMILY, now(), Duration::from_mins(15));
        let expected = AccessClaims { account: ACCOUNT, role, family: FAMILY, expires_at: at(NOW_S + 900) };
        assert_eq!(keys.access_verifier.verify(&token, now()), Ok(expected));
    }
}

#[test]
fn no_hostile_access_token_passes() {
    let world = World::new();
    for (name, token, expected) in kind(&world).rows() {
        assert_eq!(world.keys.access_verifier.verify(&token, now()).map(drop), expected, "{name}: {token}");
    }
}

#[test]
fn a_role_is_one_of_ours_and_never_defaulted() {
    let world = World::new();
    let kind = kind(&world);
    let rows = [Some(json!("root")), Some(json!("Admin")), Some(json!(["admin"])), Some(json!(null)), None];
    for role in rows {
        let token = world.access.sign(&kind.header, &with(&kind.claims, "role", role.clone()));
        assert_eq!(world.keys.access_verifier.verify(&token, now()), Err(TokenError::Malformed), "{role:?}");
    }
}

#[test]
fn a_changed_character_anywhere_is_noticed() {
    let keys = Keys::generate();
    let token = keys.access_signer.issue(ACCOUNT, Role::Admin, FAMILY, now(), Duration::from_mins(15));
    for at in 0..token.len() {
        let swap = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        let forged = format!("{}{swap}{}", &token[..at], &token[at + 1..]);
        assert!(keys.access_verifier.verify(&forged, now()).is_err(), "character {at}");
    }
}

#[test]
fn a_slip_in_the_settings_makes_no_eternal_token() {
    let keys = Keys::generate();
    let token = keys.access_signer.issue(ACCOUNT, Role::User, FAMILY, now(), Duration::MAX);
    let claims = keys.access_verifier.verify(&token, now()).unwrap();
    assert_eq!(claims.expires_at, at(NOW_S + MAX_LIFETIME_SECONDS));
}

#[test]
fn keys_are_for_one_installation() {
    let token = Keys::generate().access_signer.issue(ACCOUNT, Role::Admin, FAMILY, now(), Duration::from_mins(15));
    assert_eq!(Keys::generate().access_verifier.verify(&token, now()), Err(TokenError::UnknownKey));
}

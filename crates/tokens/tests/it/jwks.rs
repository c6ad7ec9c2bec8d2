//! Public keys as a JWK set.

use std::time::Duration;

use goticket_domain::identity::Role;
use goticket_domain::queue::PlaceId;
use goticket_tokens::keys::Keys;
use goticket_tokens::{AccessVerifier, EntryVerifier, JwksError, MAX_JWKS_KEYS, TokenError, jwks};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{ACCOUNT, EVENT, NOW_S, at, now};

fn published(keys: &Keys) -> Value {
    jwks(&[keys.access_verifier.keys(), keys.entry_verifier.keys()])
}

#[test]
fn another_backend_verifies_with_nothing_but_the_published_set() {
    let keys = Keys::generate();
    let text = published(&keys).to_string();
    let set: Value = serde_json::from_str(&text).unwrap();
    let access = keys.access_signer.issue(ACCOUNT, Role::User, Uuid::nil(), now(), Duration::from_mins(1));
    let entry =
        keys.entry_signer.issue(goticket_tokens::Entrance::to_all_of(EVENT), ACCOUNT, PlaceId([1; 16]), now(), at(NOW_S + 60));
    let (access_only, entry_only) = (AccessVerifier::from_jwks(&set).unwrap(), EntryVerifier::from_jwks(&set).unwrap());
    assert_eq!(access_only.verify(&access, now()).map(drop), Ok(()));
    assert_eq!(entry_only.verify(&entry, EVENT, ACCOUNT, now()).map(drop), Ok(()));
    assert_eq!(access_only.verify(&entry, now()).map(drop), Err(TokenError::WrongPurpose));
    assert_eq!(access_only.keys().kids().collect::<Vec<_>>(), [keys.access_signer.kid()], "no key serves two purposes");
}

#[test]
fn the_set_shows_public_members_only() {
    let set = published(&Keys::generate());
    assert_eq!(set["keys"].as_array().unwrap().len(), 2);
    for key in set["keys"].as_array().unwrap() {
        let mut members: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "purpose", "use", "x"]);
    }
}

#[test]
fn the_jwt_library_of_others_reads_our_tokens_and_keys() {
    #[derive(serde::Deserialize)]
    struct Subject {
        sub: Uuid,
    }
    let keys = Keys::generate();
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(published(&keys)).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(set.find(keys.access_signer.kid()).unwrap()).unwrap();
    let token = keys.access_signer.issue(ACCOUNT, Role::User, Uuid::nil(), now(), Duration::from_mins(1));
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_audience(&["goticket-api"]);
    validation.validate_exp = false;
    let read = jsonwebtoken::decode::<Subject>(&token, &key, &validation).unwrap();
    assert_eq!(read.claims.sub, ACCOUNT.0);
    assert_eq!(read.header.typ.as_deref(), Some("at+jwt"));
}

#[test]
fn a_set_that_is_not_ours_is_refused_or_left_aside() {
    let good = published(&Keys::generate());
    let access = good["keys"][0].clone();
    let with = |member: &str, value: Value| {
        let mut key = access.clone();
        key[member] = value;
        json!({ "keys": [key] })
    };
    let rsa = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "theirs" });
    let bad = Err(JwksError::BadKey { index: 0 });
    let rows = [
        ("ours among others", json!({ "keys": [rsa, access] }), Ok(())),
        ("no object", json!([]), Err(JwksError::Malformed)),
        ("no keys", json!({}), Err(JwksError::Malformed)),
        ("keys of another type", json!({ "keys": "x" }), Err(JwksError::Malformed)),
        ("too many", json!({ "keys": vec![access.clone(); MAX_JWKS_KEYS + 1] }), Err(JwksError::Malformed)),
        ("an empty set", json!({ "keys": [] }), Err(JwksError::NoKey)),
        ("others' alone", json!({ "keys": [rsa, good["keys"][1]] }), Err(JwksError::NoKey)),
        ("another's kid", with("kid", json!("AAAAAAAAAAAAAAAA")), bad.clone()),
        ("a short key", with("x", json!("AAAA")), bad.clone()),
        ("another curve", with("crv", json!("X25519")), bad.clone()),
        ("for encryption", with("use", json!("enc")), bad.clone()),
        ("for HMAC", with("alg", json!("HS256")), bad),
    ];
    for (name, set, expected) in rows {
        assert_eq!(AccessVerifier::from_jwks(&set).map(drop), expected, "{name}");
    }
}

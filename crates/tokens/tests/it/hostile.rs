//! What every JWT verifier of ours must refuse, as one table for both kinds.

use goticket_tokens::{LEEWAY_SECONDS, MAX_LIFETIME_SECONDS, MAX_TOKEN_BYTES, TokenError};
use serde_json::{Value, json};

use crate::forge::{Forge, add_group_order, hs256, unsigned, with, with_claims, with_signature};
use crate::world::{NOW_S, at};

/// One kind of token: its own key, the other kind's key, and a header and claims that pass.
pub(crate) struct Kind<'a> {
    pub(crate) own: &'a Forge,
    pub(crate) other: &'a Forge,
    pub(crate) own_pem: String,
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) other_typ: &'static str,
    pub(crate) other_aud: &'static str,
    /// How long after its end it still passes.
    pub(crate) leeway_s: i64,
}

type Row = (String, String, Result<(), TokenError>);

impl Kind<'_> {
    /// Name, token, and what a verifier must say to it.
    pub(crate) fn rows(&self) -> Vec<Row> {
        [self.forms(), self.algorithms(), self.headers(), self.signatures(), self.purposes(), self.times()].concat()
    }

    fn good(&self) -> String {
        self.own.sign(&self.header, &self.claims)
    }

    fn forms(&self) -> Vec<Row> {
        let good = self.good();
        let (message, signature) = good.rsplit_once('.').unwrap();
        let (header, payload) = message.split_once('.').unwrap();
        let long = self.own.sign(&self.header, &with(&self.claims, "padding", json!("x".repeat(MAX_TOKEN_BYTES))));
        rows(
            [
                ("nothing", String::new()),
                ("dots", "..".to_owned()),
                ("two parts", message.to_owned()),
                ("text", "Bearer".to_owned()),
                ("not base64 in the header", format!("{{}}.{payload}.{signature}")),
                ("a padded header", format!("{header}=.{payload}.{signature}")),
                ("correctly signed but too long", long),
                ("claims that are no object", self.own.sign(&self.header, &json!([1]))),
            ],
            &Err(TokenError::Malformed),
        )
        .into_iter()
        .chain(rows([("good", good.clone())], &Ok(())))
        .chain(rows([("four parts", format!("{good}.{signature}"))], &Err(TokenError::BadSignature)))
        .collect()
    }

    fn algorithms(&self) -> Vec<Row> {
        let alg = |name: &str| with(&self.header, "alg", json!(name));
        let mut all = rows(
            [
                ("alg none, unsigned", unsigned(&alg("none"), &self.claims)),
                ("alg None, unsigned", unsigned(&alg("None"), &self.claims)),
                ("alg EdDSA, unsigned", unsigned(&self.header, &self.claims)),
                ("alg none, signed", self.own.sign(&alg("none"), &self.claims)),
                ("HS256 with the raw public key", hs256(self.own.public(), &alg("HS256"), &self.claims)),
                ("HS256 with the public PEM", hs256(self.own_pem.as_bytes(), &alg("HS256"), &self.claims)),
                ("HS256 in EdDSA's name", hs256(self.own.public(), &self.header, &self.claims)),
                ("eddsa in lower case", self.own.sign(&alg("eddsa"), &self.claims)),
                ("ES256", self.own.sign(&alg("ES256"), &self.claims)),
            ],
            &Err(TokenError::BadSignature),
        );
        all.extend(rows(
            [
                ("no alg", self.own.sign(&with(&self.header, "alg", None), &self.claims)),
                ("a list of alg", self.own.sign(&with(&self.header, "alg", json!(["EdDSA"])), &self.claims)),
            ],
            &Err(TokenError::Malformed),
        ));
        all
    }

    fn headers(&self) -> Vec<Row> {
        let header = |member: &str, value: Value| self.own.sign(&with(&self.header, member, value), &self.claims);
        let doubled = self.header.to_string().replacen('{', r#"{"alg":"none","#, 1);
        let mut all = rows(
            [
                ("crit", header("crit", json!(["b64"]))),
                ("b64", header("b64", json!(false))),
                ("a key of its own", header("jwk", json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" }))),
                ("an address for keys", header("jku", json!("https://evil.example/jwks.json"))),
                ("a certificate", header("x5c", json!(["AA"]))),
                ("no kid", self.own.sign(&with(&self.header, "kid", None), &self.claims)),
                ("a kid that is a number", header("kid", json!(1))),
                ("alg twice", self.own.sign_text(&doubled, &self.claims.to_string())),
            ],
            &Err(TokenError::Malformed),
        );
        all.extend(rows(
            [
                ("an unknown kid", header("kid", json!("AAAAAAAAAAAAAAAA"))),
                ("a path as kid", header("kid", json!("../../dev/null"))),
            ],
            &Err(TokenError::UnknownKey),
        ));
        all
    }

    fn signatures(&self) -> Vec<Row> {
        let (good, stranger) = (self.good(), Forge::stranger());
        let other_account = with(&self.claims, "sub", json!("00000000-0000-0000-0000-0000000000ff"));
        let under = |kid: &str| with(&self.header, "kid", json!(kid));
        let mut all = rows(
            [
                ("another's claims under a good signature", with_claims(&good, &other_account)),
                ("a flipped bit", with_signature(&good, |s| s[0] ^= 1)),
                ("a cut signature", with_signature(&good, |s| s.truncate(63))),
                ("a longer signature", with_signature(&good, |s| s.push(0))),
                ("an empty signature", with_signature(&good, Vec::clear)),
                ("zeros", with_signature(&good, |s| s.fill(0))),
                ("the second form of the signature", with_signature(&good, |s| add_group_order(s))),
                ("a signature that is no base64", format!("{good}!")),
                ("a stranger's key under our kid", stranger.sign(&self.header, &self.claims)),
                ("the other purpose's key under our kid", self.other.sign(&self.header, &self.claims)),
            ],
            &Err(TokenError::BadSignature),
        );
        all.extend(rows(
            [
                ("a stranger's key under its own kid", stranger.sign(&under(&stranger.kid), &self.claims)),
                ("the other purpose's key with our typ and aud", self.other.sign(&under(&self.other.kid), &self.claims)),
            ],
            &Err(TokenError::UnknownKey),
        ));
        all
    }

    fn purposes(&self) -> Vec<Row> {
        let typ = |value: Option<Value>| self.own.sign(&with(&self.header, "typ", value), &self.claims);
        let claim = |member: &str, value: Option<Value>| self.own.sign(&self.header, &with(&self.claims, member, value));
        let other_header = with(&with(&self.header, "typ", json!(self.other_typ)), "kid", json!(self.other.kid));
        let other_claims = with(&self.claims, "aud", json!(self.other_aud));
        let mut all = rows(
            [
                ("no typ", typ(None)),
                ("plain JWT", typ(Some(json!("JWT")))),
                ("the other's typ", typ(Some(json!(self.other_typ)))),
                ("a real token of the other purpose", self.other.sign(&other_header, &other_claims)),
                ("the other's aud", claim("aud", Some(json!(self.other_aud)))),
                ("an empty aud", claim("aud", Some(json!("")))),
                ("another issuer", claim("iss", Some(json!("https://evil.example")))),
            ],
            &Err(TokenError::WrongPurpose),
        );
        for member in ["iss", "aud", "sub", "jti"] {
            let aud = &self.claims[member];
            all.extend(rows([(member, claim(member, None))], &Err(TokenError::Malformed)));
            all.extend(rows([(member, claim(member, Some(json!([aud]))))], &Err(TokenError::Malformed)));
            all.extend(rows([(member, claim(member, Some(json!(7))))], &Err(TokenError::Malformed)));
        }
        all
    }

    fn times(&self) -> Vec<Row> {
        let mut all = Vec::new();
        let text = self.claims.to_string();
        for (member, value) in [("exp", self.claims["exp"].to_string()), ("iat", self.claims["iat"].to_string())] {
            let own = format!("\"{member}\":{value}");
            assert!(text.contains(&own));
            let strange =
                ["null", "true", "\"2000000000\"", "1800000300.0", "1e30", "9223372036854775807", "99999999999999999999", "{}"];
            for other in strange {
                let token = self.own.sign_text(&self.header.to_string(), &text.replace(&own, &format!("\"{member}\":{other}")));
                all.push((format!("{member} {other}"), token, Err(TokenError::Malformed)));
            }
            let twice = self.own.sign_text(&self.header.to_string(), &text.replace(&own, &format!("{own},{own}")));
            all.push((format!("{member} twice"), twice, Err(TokenError::Malformed)));
            let none = self.own.sign(&self.header, &with(&self.claims, member, None));
            all.push((format!("no {member}"), none, Err(TokenError::Malformed)));
        }
        let times = [
            (
                "expired at the edge of the leeway",
                -900,
                -self.leeway_s,
                Err(TokenError::Expired { at: at(NOW_S - self.leeway_s) }),
            ),
            ("expired long ago", -900, -800, Err(TokenError::Expired { at: at(NOW_S - 800) })),
            ("expired within the leeway", -900, 1 - self.leeway_s, Ok(())),
            ("issued by a clock within the leeway", LEEWAY_SECONDS, 900, Ok(())),
            ("issued in the future", LEEWAY_SECONDS + 1, 900, Err(TokenError::NotYetValid)),
            ("over before it began", 10, 10, Err(TokenError::Malformed)),
            ("the longest life", 0, MAX_LIFETIME_SECONDS, Ok(())),
            ("a longer life", 0, MAX_LIFETIME_SECONDS + 1, Err(TokenError::Malformed)),
            ("negative times", -2 * NOW_S, -NOW_S, Err(TokenError::Malformed)),
        ];
        for (name, iat, exp, expected) in times {
            let claims = with(&with(&self.claims, "iat", json!(NOW_S + iat)), "exp", json!(NOW_S + exp));
            all.push((name.to_owned(), self.own.sign(&self.header, &claims), expected));
        }
        all
    }
}

fn rows<const N: usize>(tokens: [(&str, String); N], expected: &Result<(), TokenError>) -> Vec<Row> {
    tokens.into_iter().map(|(name, token)| (name.to_owned(), token, expected.clone())).collect()
}

//! Key folders: generating, loading, rotating, and what is said when a file is wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use goticket_domain::identity::Role;
use goticket_tokens::keys::{KeyError, KeyFolder, Keys};
use goticket_tokens::{AccessVerifier, TokenError};
use tempfile::TempDir;
use uuid::Uuid;

use crate::world::{ACCOUNT, now};

fn generated() -> TempDir {
    let dir = TempDir::new().unwrap();
    KeyFolder::generate(dir.path()).unwrap();
    dir
}

fn token(keys: &Keys) -> String {
    keys.access_signer.issue(ACCOUNT, Role::User, Uuid::nil(), now(), Duration::from_mins(1))
}

fn check(verifier: &AccessVerifier, token: &str) -> Result<(), TokenError> {
    verifier.verify(token, now()).map(drop)
}

#[test]
fn private_files_are_their_owners_alone() {
    let dir = generated();
    let mut names = Vec::new();
    for entry in fs::read_dir(dir.path()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let for_others = entry.metadata().unwrap().permissions().mode() & 0o077;
        assert!(for_others == 0 || name.ends_with(".pub.pem"), "{name}: {for_others:o}");
        names.push(name);
    }
    names.sort();
    let all = ["access.pem", "access.pub.pem", "entry.pem", "entry.pub.pem", "place-id.key", "place.key", "receipt.key"];
    assert_eq!(names, all);
}

#[test]
fn a_restart_reads_the_same_keys() {
    let dir = generated();
    let (before, after) = (KeyFolder::load(dir.path()).unwrap(), KeyFolder::load(dir.path()).unwrap());
    assert_eq!(check(&after.access_verifier, &token(&before)), Ok(()));
    assert_eq!(after.receipts.public(), before.receipts.public());
}

#[test]
fn generating_never_overwrites_and_leaves_nothing_half_done() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("place-id.key"), "mine").unwrap();
    let refused = KeyFolder::generate(dir.path()).unwrap_err();
    assert!(matches!(&refused, KeyError::Exists { file } if file.ends_with("place-id.key")), "{refused}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(dir.path().join("place-id.key")).unwrap(), "mine");
}

#[test]
fn generating_makes_the_folder() {
    let dir = TempDir::new().unwrap();
    let deep = dir.path().join("etc/goticket/keys");
    KeyFolder::generate(&deep).unwrap();
    KeyFolder::load(&deep).unwrap();
}

#[test]
fn a_process_needs_the_files_of_its_role_only() {
    let (all, gateway) = (generated(), TempDir::new().unwrap());
    for name in ["access.pem", "access.pub.pem", "entry.pub.pem"] {
        fs::copy(all.path().join(name), gateway.path().join(name)).unwrap();
    }
    let folder = KeyFolder::at(gateway.path());
    folder.access_signer().unwrap();
    KeyFolder::load_verifiers(gateway.path()).unwrap();
    assert!(matches!(folder.entry_signer(), Err(KeyError::Missing { file }) if file.ends_with("entry.pem")));
    assert!(matches!(folder.place(), Err(KeyError::Missing { .. })));
    assert!(matches!(folder.receipts(), Err(KeyError::Missing { file }) if file.ends_with("receipt.key")));
    fs::remove_file(gateway.path().join("access.pub.pem")).unwrap();
    KeyFolder::load_verifiers(gateway.path()).expect("the private file has the public half in it");
}

/// The three roll-outs in the folder's documentation.
#[test]
fn a_rotation_refuses_no_token_on_the_way() {
    let (old, new) = (generated(), generated());
    let before = KeyFolder::load(old.path()).unwrap();
    let copy = |from: &Path, name: &str| fs::copy(from, old.path().join(name)).map(drop).unwrap();

    copy(&new.path().join("access.pub.pem"), "access.old.next.pem");
    let announced = KeyFolder::load(old.path()).unwrap();
    assert_eq!(check(&announced.access_verifier, &token(&before)), Ok(()));

    copy(&old.path().join("access.pub.pem"), "access.old.2026.pem");
    copy(&new.path().join("access.pem"), "access.pem");
    copy(&new.path().join("access.pub.pem"), "access.pub.pem");
    let swapped = KeyFolder::load(old.path()).unwrap();
    for verifier in [&announced.access_verifier, &swapped.access_verifier] {
        for signer in [&announced, &swapped] {
            assert_eq!(check(verifier, &token(signer)), Ok(()));
        }
    }
    assert_eq!(swapped.access_verifier.keys().kids().count(), 2, "the announced key and the current one are the same");

    fs::remove_file(old.path().join("access.old.2026.pem")).unwrap();
    let done = KeyFolder::load(old.path()).unwrap();
    assert_eq!(check(&done.access_verifier, &token(&before)), Err(TokenError::UnknownKey));
    assert_eq!(check(&done.access_verifier, &token(&swapped)), Ok(()));
}

#[test]
fn an_old_private_file_verifies_too() {
    let (old, new) = (generated(), generated());
    fs::copy(old.path().join("access.pem"), new.path().join("access.old.1.pem")).unwrap();
    let (before, after) = (KeyFolder::load(old.path()).unwrap(), KeyFolder::load(new.path()).unwrap());
    assert_eq!(check(&after.access_verifier, &token(&before)), Ok(()));
}

#[test]
fn halves_of_different_keys_are_refused_at_start() {
    let (ours, theirs) = (generated(), generated());
    fs::copy(theirs.path().join("entry.pub.pem"), ours.path().join("entry.pub.pem")).unwrap();
    let refused = KeyFolder::load(ours.path()).unwrap_err();
    assert!(matches!(&refused, KeyError::Mismatch { public, .. } if public.ends_with("entry.pub.pem")), "{refused}");
}

#[test]
fn a_wrong_file_is_named_with_what_should_be_in_it() {
    let x25519 =
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n-----END PUBLIC KEY-----\n";
    let certificate =
        "-----BEGIN CERTIFICATE-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END CERTIFICATE-----\n";
    let rows = [
        ("access.pem", Some(""), "access.pem doesn't hold an Ed25519 private key"),
        ("access.pem", Some("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "access.pem doesn't hold"),
        ("access.pem", None, "access.pem is missing: copy it"),
        ("entry.pub.pem", Some("\u{0}\u{1}"), "entry.pub.pem doesn't hold an Ed25519 key"),
        ("entry.pub.pem", Some(x25519), "entry.pub.pem doesn't hold an Ed25519 key"),
        ("entry.old.1.pem", Some(certificate), "entry.old.1.pem doesn't hold an Ed25519 key"),
        ("entry.old.2.pem", Some("old"), "entry.old.2.pem doesn't hold an Ed25519 key"),
        ("place.key", Some("abcd"), "place.key doesn't hold 32 bytes in hexadecimal"),
        ("place.old.1.key", Some("x"), "place.old.1.key doesn't hold 32 bytes"),
        ("place-id.key", None, "place-id.key is missing"),
        ("receipt.key", Some("abcd"), "receipt.key doesn't hold 32 bytes in hexadecimal"),
        ("receipt.key", None, "receipt.key is missing"),
    ];
    for (name, text, expected) in rows {
        let dir = generated();
        match text {
            Some(text) => fs::write(dir.path().join(name), text).unwrap(),
            None => fs::remove_file(dir.path().join(name)).unwrap(),
        }
        let said = KeyFolder::load(dir.path()).unwrap_err().to_string();
        assert!(said.contains(expected), "{name} {text:?}: {said}");
    }
}

#[test]
fn a_missing_folder_is_named() {
    let dir = TempDir::new().unwrap();
    let said = KeyFolder::load(dir.path().join("nowhere")).unwrap_err().to_string();
    assert!(said.contains("nowhere"), "{said}");
}

#[test]
fn no_secret_is_ever_in_a_debug_text() {
    let dir = generated();
    let shown = format!("{:?}", KeyFolder::load(dir.path()).unwrap());
    for name in ["place.key", "place-id.key", "receipt.key"] {
        assert!(!shown.contains(fs::read_to_string(dir.path().join(name)).unwrap().trim()));
    }
    assert!(shown.contains("kid") && !shown.contains("PRIVATE") && shown.len() < 1500, "{shown}");
}

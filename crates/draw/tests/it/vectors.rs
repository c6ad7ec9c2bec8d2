//! docs/draw-vectors.json: what any checker must say of these draws. The one in Python is asked.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use goticket_domain::queue::draw::{BeaconChain, DrawProofs, DrawRecord, Receipt};
use goticket_domain::queue::{BoardDraw, PlaceId};
use goticket_draw::{BeaconKey, Fan};
use serde_json::{Value, json};

use crate::honest::{self, Case, Told};
use crate::operator::Operator;
use crate::tampering;

/// Set it, and the test writes the file instead of comparing it.
const UPDATE: &str = "GOTICKET_UPDATE_GENERATED";

fn docs(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file)
}

/// What a checker is given, as the API and the command line have it.
pub(crate) fn given(case: &Case) -> Value {
    let boards: Vec<Value> = case.fan.boards.iter().map(|draw| json!({ "draw": draw })).collect();
    json!({
        "record": case.record,
        "entries": hex::encode(&case.leaves),
        "place": if case.fan.rank.is_some() { None } else { case.fan.place },
        "place_ticket": case.fan.rank.map(|rank| ticket(case, rank)),
        "receipts": case.fan.receipts,
        "boards": boards,
        "proofs": case.fan.proofs,
        "beacon_keys": case.told.iter().map(told).collect::<Vec<_>>(),
    })
}

/// A place ticket as crates/tokens lays it out; only the waiting room could check its MAC.
fn ticket(case: &Case, rank: u64) -> String {
    let place = case.fan.place.unwrap().0;
    let event = case.record.event.0.into_bytes();
    let payload = [&[7], &place[..], &event, &[8; 16], &[2], &rank.to_be_bytes(), &[0; 8]].concat();
    format!("p2.{}.{}", URL_SAFE_NO_PAD.encode(payload), URL_SAFE_NO_PAD.encode([0; 32]))
}

fn read_ticket(text: &str) -> (PlaceId, u64) {
    let payload = URL_SAFE_NO_PAD.decode(text.split('.').nth(1).unwrap()).unwrap();
    (PlaceId(payload[1..17].try_into().unwrap()), u64::from_be_bytes(payload[50..58].try_into().unwrap()))
}

fn told(Told { hash, key, times }: &Told) -> String {
    let times = times.as_ref().map(|chain| format!(",{},{}", chain.genesis_s, chain.period_s));
    format!("{hash}={}{}", key.to_hex(), times.unwrap_or_default())
}

fn read_told(text: &str) -> Told {
    let (hash, rest) = text.split_once('=').unwrap();
    let parts: Vec<&str> = rest.split(',').collect();
    let chain = |genesis: &str, period: &str| {
        let (genesis_s, period_s) = (genesis.parse().unwrap(), period.parse().unwrap());
        BeaconChain { chain: hash.to_owned(), genesis_s, period_s }
    };
    let times = parts.get(1).map(|genesis| chain(genesis, parts[2]));
    Told { hash: hash.to_owned(), key: BeaconKey::from_hex(parts[0]).unwrap(), times }
}

/// Reads [`given`] back.
pub(crate) fn read(given: &Value) -> Case {
    fn member<T: serde::de::DeserializeOwned>(given: &Value, name: &str) -> T {
        serde_json::from_value(given[name].clone()).unwrap()
    }
    let draws: Vec<Value> = member(given, "boards");
    let boards: Vec<BoardDraw> = draws.iter().map(|board| member(board, "draw")).collect();
    let (receipts, proofs): (Vec<Receipt>, Option<DrawProofs>) = (member(given, "receipts"), member(given, "proofs"));
    let place: Option<PlaceId> = member(given, "place");
    let ticket = given["place_ticket"].as_str().map(read_ticket);
    let (place, rank) = (place.or(ticket.map(|(place, _)| place)), ticket.map(|(_, rank)| rank));
    let record: DrawRecord = member(given, "record");
    let leaves = hex::decode(given["entries"].as_str().unwrap()).unwrap();
    let told = given["beacon_keys"].as_array().unwrap().first().map(|text| read_told(text.as_str().unwrap()));
    Case { record, leaves, fan: Fan { place, rank, receipts, boards, proofs }, told }
}

pub(crate) fn expected(case: &Case) -> Value {
    match case.check() {
        Ok(verdict) => json!(verdict),
        Err(wrong) => json!({ "wrong": wrong.name() }),
    }
}

/// What makes the one of the other: RFC 7396. Nothing and null are the same in it.
fn change(from: &Value, to: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (from, to) else { return to.clone() };
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let changed = names.filter(|name| from[name.as_str()] != to[name.as_str()]);
    changed.map(|name| (name.clone(), change(&from[name.as_str()], &to[name.as_str()]))).collect::<serde_json::Map<_, _>>().into()
}

fn changed(base: &Value, change: &Value) -> Value {
    let Value::Object(change) = change else { return change.clone() };
    let mut changed_to = base.as_object().cloned().unwrap_or_default();
    for (name, value) in change {
        let value = changed(&base[name.as_str()], value);
        changed_to.insert(name.clone(), value);
    }
    changed_to.into()
}

/// Wrong in a way that only the beacon's curve shows: the round has the form of one.
fn needs_pairing(case: &Case, said: &Value) -> bool {
    let round = case.record.outcome.as_ref().and_then(|outcome| outcome.beacon_signature.as_ref()?.bytes());
    said["wrong"] == "bad_round" && round.is_some_and(|round| round.len() == 48)
}

fn vectors() -> Value {
    let cases = honest::ROWS.iter().map(|(name, _, case)| (*name, case()));
    let cases = cases.chain(tampering::rows().map(|(name, _, tamper)| (*name, tamper(&Operator::new(1)))));
    let base = given(&honest::honest(&Operator::new(1)));
    let cases = cases.map(|(name, case)| {
        let said = expected(&case);
        let mut vector = json!({ "name": name, "change": change(&base, &given(&case)), "expected": said });
        if needs_pairing(&case, &said) {
            vector["needs_pairing"] = json!(true);
        }
        vector
    });
    let cases: Vec<Value> = cases.collect();
    json!({ "base": base, "cases": cases })
}

/// One line for each case: a difference shows which.
fn written(vectors: &Value) -> String {
    let cases: Vec<String> = vectors["cases"].as_array().unwrap().iter().map(Value::to_string).collect();
    format!("{{\"base\":{},\n\"cases\":[\n{}\n]}}\n", vectors["base"], cases.join(",\n"))
}

#[test]
fn the_checked_in_vectors_are_what_the_checker_says() {
    let file = docs("draw-vectors.json");
    let made = written(&vectors());
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let stored = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(stored == made, "docs/draw-vectors.json is stale: run the tests with {UPDATE}=1 and check it in");
}

#[test]
fn a_vector_that_is_read_back_is_checked_the_same() {
    let vectors = vectors();
    for case in vectors["cases"].as_array().unwrap() {
        let read = read(&changed(&vectors["base"], &case["change"]));
        assert_eq!(expected(&read), case["expected"], "{}", case["name"]);
    }
}

fn python(args: &[&Path]) -> Output {
    let run = Command::new("python3").arg("-I").arg(docs("verify_draw.py")).args(args).output();
    run.unwrap_or_else(|error| panic!("python3 does not run, `cargo xtask install` installs it: {error}"))
}

/// Whether it found everything as expected, and what it says of each vector.
pub(crate) fn python_says(vectors: &Path) -> (bool, Vec<Value>) {
    let run = python(&[Path::new("--vectors"), vectors]);
    let said = String::from_utf8(run.stdout).unwrap();
    let said = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));
    (run.status.success(), said)
}

#[test]
fn the_checker_in_python_says_the_same_but_for_the_beacon() {
    let (vectors, file) = (vectors(), docs("draw-vectors.json"));
    let run = python(&[Path::new("--vectors"), &file]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let said: Vec<Value> =
        String::from_utf8(run.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(said.len(), cases.len());
    let (mut unverified, mut blind) = (0, 0);
    for (case, said) in cases.iter().zip(said) {
        let mut verdict = said["said"].clone();
        let weak =
            verdict.get_mut("weak").and_then(Value::as_array_mut).and_then(|weak| weak.pop_if(|weak| weak == "round_unverified"));
        unverified += usize::from(weak.is_some());
        if case["needs_pairing"] == true {
            assert!(weak.is_some(), "{said}");
            blind += 1;
        } else {
            assert_eq!(verdict, case["expected"], "{said}");
        }
    }
    assert!(unverified > blind && blind > 0);
}

/// What files the command is given, and what it exits with.
#[test]
fn the_checker_in_python_exits_with_what_it_found() {
    let case = given(&honest::honest(&Operator::new(1)));
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let file = dir.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        file
    };
    let mut told = case["record"].clone();
    told["proofs"] = case["proofs"].clone();
    let record = write("record.json", told.to_string().as_bytes());
    told["proofs"]["entry"]["index"] = json!(0);
    let elsewhere = write("elsewhere.json", told.to_string().as_bytes());
    let entries = write("entries", &hex::decode(case["entries"].as_str().unwrap()).unwrap());
    let board = write("board.json", case["boards"][1].to_string().as_bytes());
    let joined = write("joined.json", json!({ "receipt": case["receipts"][0] }).to_string().as_bytes());
    let [key, own] = ["--beacon-key", case["beacon_keys"][0].as_str().unwrap()].map(Path::new);
    let rest = [Path::new("--board"), &board, Path::new("--receipt"), &joined, key, own];
    let rows: [(&str, Vec<&Path>, bool, &str); 5] = [
        ("right", [&[record.as_path(), &entries], &rest[..]].concat(), true, "standing drawn"),
        ("proofs of another entry", [&[elsewhere.as_path(), &entries], &rest[..]].concat(), false, "WRONG: entry_not_proved"),
        ("another list", [&[record.as_path(), &record], &rest[..]].concat(), false, "WRONG: broken_entry"),
        ("no chain", vec![&record, &entries], false, "WRONG: unknown_chain"),
        ("no record", vec![&joined, &entries], false, "not what the API says"),
    ];
    for (name, args, right, says) in rows {
        let run = python(&args);
        let out = String::from_utf8([run.stdout, run.stderr].concat()).unwrap();
        assert_eq!((run.status.success(), out.contains(says)), (right, true), "{name}: {out}");
    }
}

//! `goticket verify-draw`: a draw, from what the API says and what a fan kept. Anyone may do it, at any time, without us. docs/DRAW.md says
//! what is checked; docs/verify_draw.py does the same without this binary.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use goticket_domain::EventId;
use goticket_domain::queue::draw::{DrawProofs, DrawRecord, Receipt};
use goticket_domain::queue::{BoardDraw, PlaceId, PlaceKind};
use goticket_draw::{Beacons, Fan, PlaceFound, Stage, Standing, Verdict, Wrong, check};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cli::VerifyDrawArgs;

pub(super) fn run(args: &VerifyDrawArgs) -> anyhow::Result<ExitCode> {
    let found = verified(args)?;
    let text = match (&found, args.json) {
        (Ok(verdict), true) => json!(verdict).to_string() + "\n",
        (Err(wrong), true) => json!(wrong).to_string() + "\n",
        (Ok(verdict), false) => report(verdict)?,
        (Err(wrong), false) => format!("WRONG: {}: {wrong}\n", wrong.name()),
    };
    super::print(&text)?;
    Ok(if found.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn verified(args: &VerifyDrawArgs) -> anyhow::Result<Result<Verdict, Wrong>> {
    let record: DrawRecord = read(&args.record, None)?;
    let answer: Answer = read(&args.record, None)?;
    let entries = std::fs::read(&args.entries).with_context(|| format!("read {}", args.entries.display()))?;
    let (place, rank) = asked_for(args, record.event)?;
    let mut fan = Fan { place, rank, ..Fan::default() };
    for file in &args.receipts {
        fan.receipts.push(read::<Receipt>(file, Some("receipt"))?);
    }
    for file in &args.boards {
        // A board says nothing of the draw before the room's first tick.
        fan.boards.extend(read::<Option<BoardDraw>>(file, Some("draw"))?);
    }
    let proofs = args.proofs.as_deref().map(|file| read::<DrawProofs>(file, Some("proofs"))).transpose()?;
    fan.proofs = proofs.or(answer.proofs);
    fan.place = fan.place.or_else(|| kept_for(&fan));
    let known =
        args.beacon_keys.iter().fold(Beacons::known(), |known, (chain, beacon)| known.with(chain.clone(), beacon.clone()));
    Ok(check(&record, &entries, &known, &fan))
}

/// What stands beside the record where the caller showed a place ticket.
#[derive(Deserialize)]
struct Answer {
    proofs: Option<DrawProofs>,
}

/// The answer of the API, or what it has under this name.
fn read<T: DeserializeOwned>(file: &Path, within: Option<&str>) -> anyhow::Result<T> {
    let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let value = serde_json::from_slice(&bytes).map(|mut whole: Value| {
        let part = within.and_then(|name| whole.get_mut(name)).map(Value::take);
        part.unwrap_or(whole)
    });
    let read = value.and_then(serde_json::from_value);
    read.with_context(|| format!("{} is not what the API says", file.display()))
}

/// Whose place, and the rank that its ticket says. Only the waiting room can check a ticket's MAC: here it is its holder's own word.
fn asked_for(args: &VerifyDrawArgs, event: EventId) -> anyhow::Result<(Option<PlaceId>, Option<u64>)> {
    let Some(text) = &args.place_ticket else { return Ok((args.place, None)) };
    let ticket = goticket_tokens::read_unverified(text).context("this is no place ticket")?;
    anyhow::ensure!(ticket.event == event, "the place ticket is of another event");
    let rank = match ticket.kind {
        PlaceKind::Drawn { rank } => Some(rank),
        _ => None,
    };
    Ok((Some(ticket.place), rank))
}

/// Whose place it is about, where no one said so.
fn kept_for(fan: &Fan) -> Option<PlaceId> {
    let first = fan.receipts.first().map(|receipt| receipt.place);
    let same = fan.receipts.iter().all(|receipt| Some(receipt.place) == first);
    fan.proofs.as_ref().map(|proofs| proofs.place).or(first.filter(|_| same))
}

fn report(verdict: &Verdict) -> anyhow::Result<String> {
    let stage = match verdict.stage {
        Stage::Announced => "announced; the lobby is not closed yet",
        Stage::Closed => "closed; nothing is drawn yet",
        Stage::Drawn => "drawn",
    };
    let mut text = format!("nothing is wrong: the draw of event {} is {stage}\n", verdict.event);
    if let (Some(entries), Some(participants)) = (verdict.entries, verdict.participants) {
        writeln!(text, "the lobby has {entries} entries, {participants} places take part")?;
    }
    if let Some(seed) = verdict.seed {
        writeln!(text, "the seed is {}", seed.to_hex())?;
    }
    if let Some(PlaceFound { place, standing }) = verdict.place {
        let standing = match standing {
            Standing::Absent => "was never in the lobby".to_owned(),
            Standing::Left { entry } => format!("was given back by entry {entry}"),
            Standing::TakesPart => "takes part".to_owned(),
            Standing::Drawn { rank } => format!("has rank {rank}: so many were drawn before it"),
        };
        writeln!(text, "the place {} {standing}", place.to_hex())?;
    }
    if verdict.late_receipts > 0 {
        writeln!(text, "{} of the receipts are of places behind the lobby: the draw is not about them", verdict.late_receipts)?;
    }
    for weak in &verdict.weak {
        writeln!(text, "{}: {}", json!(weak).as_str().unwrap_or_default(), weak.explanation())?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::PathBuf;

    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    /// RFC 7396, as the vectors have it.
    fn changed(base: &Value, change: &Value) -> Value {
        let Value::Object(members) = change else { return change.clone() };
        let mut to = base.as_object().cloned().unwrap_or_default();
        for (name, change) in members {
            let value = changed(&base[name.as_str()], change);
            to.insert(name.clone(), value);
        }
        to.into()
    }

    /// Writes a vector's files, and says how the command is called with them.
    fn called(dir: &Path, given: &Value) -> VerifyDrawArgs {
        let write = |name: String, bytes: &[u8]| -> String {
            let file = dir.join(name);
            std::fs::write(&file, bytes).unwrap();
            file.into_os_string().into_string().unwrap()
        };
        let record = write("record.json".into(), given["record"].to_string().as_bytes());
        let entries = given["entries"].as_str().unwrap();
        let entries: Vec<u8> =
            (0..entries.len()).step_by(2).map(|at| u8::from_str_radix(&entries[at..at + 2], 16).unwrap()).collect();
        let mut args = vec!["goticket".into(), "verify-draw".into(), record, write("entries".into(), &entries)];
        for (option, member) in [("--receipt", "receipts"), ("--board", "boards")] {
            for (n, kept) in given[member].as_array().unwrap().iter().enumerate() {
                args.extend([option.into(), write(format!("{member}-{n}.json"), kept.to_string().as_bytes())]);
            }
        }
        if !given["proofs"].is_null() {
            args.extend(["--proofs".into(), write("proofs.json".into(), given["proofs"].to_string().as_bytes())]);
        }
        for key in given["beacon_keys"].as_array().unwrap() {
            args.extend(["--beacon-key".into(), key.as_str().unwrap().into()]);
        }
        for (option, member) in [("--place", "place"), ("--place-ticket", "place_ticket")] {
            args.extend(given[member].as_str().into_iter().flat_map(|text| [option.to_owned(), text.to_owned()]));
        }
        match Cli::try_parse_from(args).unwrap().command {
            Command::VerifyDraw(args) => args,
            other => panic!("{other:?}"),
        }
    }

    fn vectors() -> Value {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/draw-vectors.json");
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
    }

    #[test]
    fn the_command_says_of_every_vector_what_is_expected() {
        let (vectors, dir) = (vectors(), tempfile::tempdir().unwrap());
        let cases = vectors["cases"].as_array().unwrap();
        assert!(cases.len() > 50);
        for case in cases {
            let args = called(dir.path(), &changed(&vectors["base"], &case["change"]));
            let found = verified(&args).unwrap();
            let (name, right) = (&case["name"], case["expected"]["wrong"].is_null());
            match &found {
                Ok(verdict) => assert_eq!(json!(verdict), case["expected"], "{name}"),
                Err(wrong) => assert_eq!(wrong.name(), case["expected"]["wrong"], "{name}"),
            }
            assert_eq!(run(&args).unwrap() == ExitCode::SUCCESS, right, "{name}");
        }
    }

    #[test]
    fn the_report_says_the_rank_and_what_it_is_worth() {
        let (vectors, dir) = (vectors(), tempfile::tempdir().unwrap());
        let honest = called(dir.path(), &vectors["base"]);
        let text = report(&verified(&honest).unwrap().unwrap()).unwrap();
        assert!(text.contains("is drawn\n") && text.contains("has rank "), "{text}");
        // Without what was kept there is no one to say what was shown in time; the receipt says whose place it is.
        let alone = VerifyDrawArgs { boards: Vec::new(), place: None, proofs: None, ..honest };
        let text = report(&verified(&alone).unwrap().unwrap()).unwrap();
        assert!(text.contains("has rank ") && text.contains("\nclosing_unwitnessed: "), "{text}");
    }

    #[test]
    fn proofs_beside_the_record_count() {
        let (vectors, dir) = (vectors(), tempfile::tempdir().unwrap());
        for (index, right) in [(0, true), (1, false)] {
            let mut given = vectors["base"].clone();
            given["record"]["proofs"] = given["proofs"].take();
            let entry = &mut given["record"]["proofs"]["entry"]["index"];
            *entry = json!(entry.as_u64().unwrap() + index);
            assert_eq!(verified(&called(dir.path(), &given)).unwrap().is_ok(), right, "{index}");
        }
    }

    #[test]
    fn a_file_of_another_kind_is_told_by_its_name() {
        let (vectors, dir) = (vectors(), tempfile::tempdir().unwrap());
        let args = called(dir.path(), &vectors["base"]);
        let mixed_up = VerifyDrawArgs { record: args.boards[0].clone(), ..args };
        let error = format!("{:#}", verified(&mixed_up).unwrap_err());
        assert!(error.contains("boards-0.json is not what the API says"), "{error}");
        assert!(goticket_tokens::read_unverified("p2.a.b").is_none());
    }
}

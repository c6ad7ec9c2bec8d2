//! Every row: what is honest passes, and what is not fails for its reason.

use std::collections::BTreeSet;

use goticket_draw::{Stage, Standing, Weak};
use serde_json::json;

use crate::operator::{Operator, place};
use crate::{honest, tampering};

#[test]
fn an_honest_draw_is_right_and_the_verdict_says_what_that_is_worth() {
    for (name, weak, case) in honest::ROWS {
        let case = case();
        let verdict = case.check().unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        assert_eq!(json!(verdict.weak), json!(weak), "{name}");
        assert_eq!(verdict.stage == Stage::Drawn, verdict.seed.is_some(), "{name}");
        let found = verdict.place.is_some_and(|found| found.standing != Standing::Absent);
        assert_eq!(verdict.weak.contains(&Weak::LeaveUnsigned), name.contains("given back"), "{name}");
        assert_eq!(
            found,
            case.fan.place.is_some_and(|ours| ours != place(99)) && verdict.entries.is_some_and(|n| n > 0),
            "{name}"
        );
    }
}

#[test]
fn an_honest_draw_says_who_takes_part_and_where_a_place_stands() {
    let case = honest::honest(&Operator::new(1));
    let verdict = case.check().unwrap();
    assert_eq!((verdict.entries, verdict.participants, verdict.late_receipts), (Some(12), Some(8), 0));
    let proved = case.fan.proofs.clone().unwrap().rank.unwrap().index;
    assert_eq!(verdict.place.unwrap().standing, Standing::Drawn { rank: proved });
    // Everyone has one rank, and no two the same.
    let ranks: BTreeSet<u64> = [0, 1, 2, 3, 4, 5, 6, 8].map(|number| rank(&case, number)).into();
    assert_eq!(ranks, (0..8).collect());
}

fn rank(case: &honest::Case, number: u8) -> u64 {
    let mut case = case.clone();
    (case.fan.place, case.fan.proofs) = (Some(place(number)), None);
    match case.check().unwrap().place.unwrap().standing {
        Standing::Drawn { rank } => rank,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whatever_an_operator_tries_is_named() {
    for (name, expected, tamper) in tampering::rows() {
        let case = tamper(&Operator::new(1));
        let wrong = case.check().map_or_else(|wrong| wrong.name(), |verdict| format!("nothing: {verdict:?}"));
        assert_eq!(wrong, *expected, "{name}");
    }
}

#[test]
fn everything_that_can_be_wrong_is_tried() {
    let tried: BTreeSet<&str> = tampering::rows().map(|(_, wrong, _)| *wrong).collect();
    let variants = include_str!("../../src/wrong.rs").matches("#[error(").count();
    assert_eq!(tried.len(), variants, "{tried:?}");
}

#[test]
fn every_name_is_explained_in_the_document() {
    let document = include_str!("../../../../docs/DRAW.md");
    let tables = document.split_once("## What can be wrong").unwrap().1;
    let rows = tables.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let explained: BTreeSet<&str> = rows.flat_map(|names| names.split(['`', ',', ' '])).filter(|name| !name.is_empty()).collect();
    let weak = Weak::ALL.map(|weak| json!(weak).as_str().unwrap().to_owned());
    let named = tampering::rows().map(|(_, wrong, _)| (*wrong).to_owned()).chain(weak);
    assert_eq!(named.collect::<BTreeSet<String>>(), explained.into_iter().map(str::to_owned).collect());
}

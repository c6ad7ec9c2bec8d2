//! `cargo xtask sabotage`: takes one protection after the other out of a copy of the tree, and expects a checker to go red each time. A
//! checker that stays green would not notice if somebody lost that protection by accident.

mod copy;
mod outcome;
mod table;
mod trial;

use std::time::{Duration, Instant};

use self::{
    copy::Copy,
    outcome::Outcome,
    table::{Check, SABOTAGES, Sabotage},
    trial::try_out,
};
use crate::{
    provision, source,
    step::{Failure, become_it, cargo, openly, target},
};

/// What to type for the names.
pub(crate) const LIST: &str = "see `cargo xtask sabotage --list`";

/// A process that has it was given a stack.
const STACK_FOLDER: &str = "GOTICKET_TEST_FOLDER";

/// One line of the table.
struct Tried<'a> {
    sabotage: &'a Sabotage,
    check: String,
    outcome: Outcome,
    took: Duration,
}

/// The named ones, or all.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    if args.iter().any(|arg| arg == "--list") {
        for Sabotage { name, removes, check } in SABOTAGES {
            println!("{name:<28} {removes}\n{:<28} must turn red: {check}\n", "");
        }
        return Ok(());
    }
    let chosen = chosen(args)?;
    provision::everything()?;
    if std::env::var_os(STACK_FOLDER).is_none() && chosen.iter().any(|one| matches!(one.check, Check::Tests { .. })) {
        return Err(with_stack(args)?);
    }
    let trials: Vec<(&Sabotage, Check)> = chosen.into_iter().map(|one| (one, one.check.clone())).collect();
    report(&try_all(&trials)?)
}

/// One, by a run of `chaos` with these arguments.
pub(crate) fn by_chaos(name: &str, args: &[String]) -> Result<(), Failure> {
    let chosen = chosen(&[name.to_owned()])?;
    provision::everything()?;
    let check = Check::Chaos(args.join(" ").into());
    let trials: Vec<(&Sabotage, Check)> = chosen.into_iter().map(|one| (one, check.clone())).collect();
    report(&try_all(&trials)?)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Sabotage>, Failure> {
    if names.is_empty() {
        return Ok(SABOTAGES.iter().collect());
    }
    let find = |name: &String| {
        let found = SABOTAGES.iter().find(|one| one.name == name);
        found.ok_or_else(|| Failure::new("choose sabotages", format!("there is none called {name:?}"), LIST))
    };
    names.iter().map(find).collect()
}

/// The same command again, as the child of a process that keeps the servers. Returns only when that fails.
fn with_stack(args: &[String]) -> Result<Failure, Failure> {
    openly("compile what starts the servers", cargo().args(["build", "--quiet", "-p", "goticket-testkit", "--bin", "stack"]))?;
    let own = std::env::current_exe().map_err(|error| Failure::new("find this program", error, ""))?;
    let mut command = std::process::Command::new(target()?.join("debug/stack"));
    command.args(["run", "--"]).arg(own).arg("sabotage").args(args);
    Ok(become_it("start the servers", &mut command))
}

fn try_all<'a>(trials: &[(&'a Sabotage, Check)]) -> Result<Vec<Tried<'a>>, Failure> {
    let copy = Copy::open(&target()?)?;
    let mut known: Vec<(&Check, Outcome)> = Vec::new();
    let mut tried = Vec::new();
    for (sabotage, check) in trials {
        let begun = Instant::now();
        // Red proves something only if the same check is green without the sabotage.
        if !known.iter().any(|(seen, _)| *seen == check) {
            println!("\n— {check}, on the tree as it is");
            copy.restore()?;
            known.push((check, try_out(&copy, check, "untouched")?));
        }
        let untouched = known.iter().find(|(seen, _)| *seen == check).map(|(_, outcome)| outcome);
        let outcome = match untouched {
            Some(Outcome::Green { .. }) => {
                println!("\n— {}: {}", sabotage.name, sabotage.removes);
                copy.restore()?;
                copy.apply(&sabotage.patch())?;
                try_out(&copy, check, sabotage.name)?
            }
            Some(other) => Outcome::NoProof(format!("without the sabotage the check is {other}")),
            None => Outcome::NoProof("the check was not tried".to_owned()),
        };
        tried.push(Tried { sabotage, check: check.to_string(), outcome, took: begun.elapsed() });
    }
    copy.restore()?;
    Ok(tried)
}

fn report(tried: &[Tried<'_>]) -> Result<(), Failure> {
    println!("\n  {:<28} {:<58} {:>6}", "sabotage", "what it takes away", "s");
    for Tried { sabotage, check, outcome, took } in tried {
        let mark = if matches!(outcome, Outcome::Red { .. }) { "✓" } else { "✗" };
        println!("{mark} {:<28} {:<58} {:>6}", sabotage.name, sabotage.removes, took.as_secs());
        println!("  {:<28} {check}", "");
        println!("  {:<28} {outcome}", "");
    }
    let missed = tried.iter().filter(|tried| !matches!(tried.outcome, Outcome::Red { .. })).count();
    println!();
    if missed == 0 && !tried.is_empty() {
        println!("{} of {} were found out.", tried.len(), tried.len());
        return Ok(());
    }
    let cause = format!("{missed} of {} were not found out", tried.len());
    Err(Failure::new("find the sabotage", cause, "the outputs are in target/sabotage/*.log"))
}

/// The variables that name a stack, which a run of `chaos` must not see: it breaks only servers of its own.
fn stack_variables() -> impl Iterator<Item = &'static str> {
    source::ALL_SERVERS.into_iter().chain([STACK_FOLDER])
}

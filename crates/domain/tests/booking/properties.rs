//! What holds for any sequence of commands, in batches of any size, with restarts in between.

mod history;
mod steps;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use goticket_domain::{
    AccountId, BookingId, CategoryNo,
    booking::{AnyBooking, Applied, Change, Command, Needs, SeatCount, SeatState, WorkingSet},
};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use self::{
    history::{Batch, Entry, History},
    steps::steps,
};
use crate::{
    hall::{ANN, BOB},
    rules::{Moment, Rule, Till, Verdict, hold, state, step},
    store::Store,
};

const ACCOUNTS: [AccountId; 2] = [ANN, BOB];

/// How often each kind of change was seen, over all histories.
type Seen = BTreeMap<String, usize>;

/// Checks histories, always the same ones; a failing one is made as short as it still fails.
fn for_any_history(cases: u32, check: impl Fn(&History) -> Verdict) -> Seen {
    let config = Config { cases, rng_seed: RngSeed::Fixed(6), failure_persistence: None, ..Config::default() };
    let seen = RefCell::new(Seen::new());
    let tested = TestRunner::new(config).run(&steps(), |steps| {
        let history = History::play(&steps);
        for change in history.batches().flat_map(|batch| &batch.applied).flat_map(|applied| &applied.changes) {
            *seen.borrow_mut().entry(name(change)).or_default() += 1;
        }
        for stale in &history.stale {
            *seen.borrow_mut().entry(format!("stale {stale:?}")).or_default() += 1;
        }
        check(&history).map_err(|fault| TestCaseError::fail(format!("{fault:?}")))
    });
    tested.unwrap_or_else(|failed| panic!("{failed}"));
    seen.into_inner()
}

fn name(change: &Change) -> String {
    match change {
        Change::Held(_) => "held".to_owned(),
        Change::Refused(refused) => format!("refused {}", refused.refusal.reason.as_str()),
        Change::Moved(moved) => format!("{} to {}", moved.from.as_str(), moved.to.as_str()),
        Change::Payment(change) => format!("{} to {}", change.from.as_str(), change.to.as_str()),
        Change::NoticeSeen { .. } => "seen".to_owned(),
    }
}

fn moment<'a>(batch: &'a Batch, history: &'a History) -> Moment<'a> {
    Moment { now: batch.now, terms: &batch.terms, sections: &history.sections }
}

/// Histories in which too little happened prove nothing.
#[track_caller]
fn has_seen(seen: &Seen, each_min: usize) {
    println!("{seen:#?}");
    let missed: Vec<&str> = EVERYTHING.into_iter().filter(|what| seen.get(*what).is_none_or(|count| *count < each_min)).collect();
    assert!(missed.is_empty(), "seen less than {each_min} times: {missed:?}");
}

/// Every change that a command can make, and everything that can be other than remembered.
const EVERYTHING: [&str; 25] = [
    "held",
    "refused cancelled",
    "refused closed",
    "refused held",
    "refused invalid",
    "refused limit_reached",
    "refused not_on_sale",
    "refused not_together",
    "refused sold",
    "refused yours",
    "held to cancelled",
    "held to confirmed",
    "held to expired",
    "expired to confirmed",
    "seen",
    "open to declined",
    "open to paid",
    "open to refund_due",
    "open to review",
    "declined to paid",
    "declined to review",
    "refund_due to refunded",
    "stale OneOutcome",
    "stale Payment",
    "stale Notice",
];

#[test]
fn any_sequence_of_commands_keeps_the_rules() {
    let seen = for_any_history(200, |history| {
        let mut till = Till::default();
        for batch in history.batches() {
            let mut store = batch.before.1.clone();
            for (command, applied) in batch.commands.iter().zip(&batch.applied) {
                till.take(&store, command);
                store = step(&store, command, applied, moment(batch, history))?.unwrap_or(store);
                till.check(&store)?;
            }
            hold(Rule::Effect, store == batch.after.1, || "what was decided is not what is stored".to_owned())?;
            state(&batch.after.0, &store, &ACCOUNTS, None, moment(batch, history))?;
        }
        Ok(())
    });
    has_seen(&seen, 3);
}

/// The owner of the history looks up little, and is corrected by what the store does not let it write. One that was told everything as
/// it happened, and never forgot anything, decides the same.
#[test]
fn an_owner_that_forgets_decides_as_one_that_remembers_everything() {
    let seen = for_any_history(120, |history| {
        let mut lived: Option<WorkingSet> = None;
        for entry in &history.entries {
            match (entry, &mut lived) {
                (Entry::Terms(terms), None) => lived = Some(Store::default().load(terms.clone(), &history.sections)),
                (Entry::Terms(terms), Some(set)) => set.set_terms(terms.clone()),
                (Entry::Opened(id, payment), Some(set)) => set.learn_payment(*id, Some(payment.clone())),
                (Entry::Invented(id), Some(set)) => set.learn_payment(*id, None),
                (Entry::Batch(batch), Some(set)) => {
                    for (command, applied) in batch.commands.iter().zip(&batch.applied) {
                        let other = set.apply(command, batch.now);
                        hold(Rule::Needs, other == *applied, || format!("{command:?}: {applied:?}, else {other:?}"))?;
                    }
                }
                (_, None) => unreachable!("terms come first"),
            }
        }
        Ok(())
    });
    has_seen(&seen, 3);
}

#[test]
fn a_process_that_was_told_what_it_needs_decides_as_one_that_lived_on() {
    let seen = for_any_history(120, |history| {
        for batch in history.batches() {
            let mut store = batch.before.1.clone();
            // One command at a time, and the whole batch.
            let mut whole = store.load(batch.terms.clone(), &history.sections);
            tell(&mut whole, &batch.commands, batch, &store);
            for (command, applied) in batch.commands.iter().zip(&batch.applied) {
                let mut single = store.load(batch.terms.clone(), &history.sections);
                tell(&mut single, std::slice::from_ref(command), batch, &store);
                for set in [&mut single, &mut whole] {
                    let other = set.apply(command, batch.now);
                    hold(Rule::Needs, other == *applied, || format!("{command:?}: {applied:?}, else {other:?}"))?;
                }
                store = store.write(&applied.changes).unwrap();
            }
        }
        Ok(())
    });
    has_seen(&seen, 3);
}

fn tell(set: &mut WorkingSet, commands: &[Command], batch: &Batch, store: &Store) {
    let mut needs = Needs::default();
    for command in commands {
        set.needs(command, batch.now, true, &mut needs);
    }
    store.tell(&needs, set);
}

/// Everything that can be seen of a set, what it would decide next included.
#[derive(PartialEq, Debug)]
struct Observed {
    seats: Vec<(SeatState, Option<BookingId>, bool)>,
    taken: usize,
    counts: Vec<(CategoryNo, SeatCount)>,
    tickets: Vec<u32>,
    bookings: Vec<Option<AnyBooking>>,
    next: Vec<Applied>,
}

fn observe(set: &WorkingSet, history: &History, batch: &Batch) -> Observed {
    let numbers = history.sections.iter().flat_map(|section| section.numbered());
    Observed {
        seats: numbers.map(|(seat, _)| (set.state(seat), set.taken().owner(seat), set.taken().is_taken(seat))).collect(),
        taken: set.taken().len(),
        counts: set.counts().collect(),
        tickets: ACCOUNTS.map(|account| set.tickets(account)).to_vec(),
        bookings: history.ids.iter().map(|id| set.booking(*id).cloned()).collect(),
        next: batch.commands.iter().map(|command| set.clone().apply(command, batch.now)).collect(),
    }
}

#[test]
fn taking_back_the_end_of_a_batch_restores_what_was_before_it() {
    let taken_back = Cell::new(0);
    let seen = for_any_history(100, |history| {
        for batch in history.batches() {
            let mut set = batch.before.0.clone();
            tell(&mut set, &batch.commands, batch, &batch.before.1);
            let mut before = Vec::new();
            for (command, applied) in batch.commands.iter().zip(&batch.applied) {
                before.push(observe(&set, history, batch));
                let again = set.apply(command, batch.now);
                hold(Rule::Needs, again == *applied, || format!("{command:?}: {applied:?}, else {again:?}"))?;
            }
            for (from, expected) in before.iter().enumerate() {
                let changes: Vec<Change> = batch.applied[from..].iter().flat_map(|applied| applied.changes.clone()).collect();
                let mut at_once = set.clone();
                at_once.take_back(&changes);
                let mut one_by_one = set.clone();
                batch.applied[from..].iter().rev().for_each(|applied| one_by_one.take_back(&applied.changes));
                for set in [at_once, one_by_one] {
                    let left = observe(&set, history, batch);
                    hold(Rule::TakeBack, left == *expected, || {
                        format!("before {from} of {batch:#?}: {expected:#?}, left {left:#?}")
                    })?;
                }
                taken_back.set(taken_back.get() + changes.len());
            }
        }
        Ok(())
    });
    has_seen(&seen, 3);
    assert!(taken_back.get() > 4_000, "{} changes were taken back", taken_back.get());
}

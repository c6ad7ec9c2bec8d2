//! The rows of the benchmark, as data: what is measured, what it is compared to, what the ratio must be.

use std::time::Duration;

use anyhow::ensure;

use super::{
    http::Drive,
    load::{Aim, Choice, Hall, Load, Order},
};
use crate::report::Bar;

/// One row of the report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub name: &'static str,
    pub subject: Subject,
    pub unit: Unit,
    pub limit: Option<Limit>,
    pub bar: Option<Bar>,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Subject {
    /// The comparator.
    Pgbench,
    /// Another comparator: through an empty queue, and one commit.
    RoundTrip,
    /// One worker with this load, its database so much further away.
    Worker { load: Load, distance: Option<Duration> },
    /// A whole installation over HTTP.
    Http { load: Load, drive: Drive },
}

impl Subject {
    /// The row whose value says how much there is to be borne.
    pub(crate) fn peak(&self) -> Option<&'static str> {
        match self {
            Self::Http { drive: Drive::HalfPeak | Drive::TenPeaks, .. } => Some(DECIDED),
            _ => None,
        }
    }
}

/// What a row is compared to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Limit {
    /// Another row.
    Row(&'static str),
    /// The same worker with another load.
    Load { name: &'static str, load: Load },
}

/// What the value of a run counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    PerSecond,
    ConfirmedPerSecond,
    MicrosecondsEach,
    Milliseconds,
}

impl Limit {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Row(name) | Self::Load { name, .. } => name,
        }
    }
}

impl Unit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PerSecond => "decisions/s",
            Self::ConfirmedPerSecond => "confirmed/s",
            Self::MicrosecondsEach => "us/decision",
            Self::Milliseconds => "ms",
        }
    }
}

/// The comparators' rows.
const PGBENCH: &str = "pgbench";
const ROUND_TRIP: &str = "round_trip_p99";
const WORKER: &str = "worker";
const DECIDED: &str = "decided";
const NO_DISTANCE: &str = "worker_round_trip_plus_0ms";

/// A stadium and more, of which a run at any rate we dream of sells only a part.
const STADIUM: (u16, u32) = (1_000, 500);

/// Standing places of an event, and how many of them are sold before.
const STANDING_PLACES: u32 = 20_000;
const STANDING_SOLD_PERCENT: u32 = 50;

/// Events of standing places per second of a run: each is good for five thousand bookings more.
const STANDING_EVENTS_PER_SECOND: u32 = 2;

/// Seats of a section of the events whose sizes are compared, and of a small one of them.
const SECTION_SEATS: u32 = 500;
const SMALL_SEATS: u32 = 5_000;

/// Events on sale at once, and the seats of each.
const EVENTS: u16 = 1_000;
const EVENT_SEATS: u32 = 400;

/// All rows, for runs of so many seconds, the largest event having so many seats.
pub(crate) fn all(seconds: u32, large_seats: u32) -> Vec<Plan> {
    let stadium = Load::named(Hall::seated(STADIUM.0, STADIUM.1));
    let hot = Load { aim: Aim::Hot { requests_percent: 90, places_percent: 1 }, ..stadium.clone() };
    let standing = Load {
        events: STANDING_EVENTS_PER_SECOND * seconds,
        order: Order::InTurn,
        choice: Choice::Best,
        sold_percent: STANDING_SOLD_PERCENT,
        ..Load::named(Hall::standing(STANDING_PLACES))
    };
    let mut rows = vec![
        Plan { name: PGBENCH, subject: Subject::Pgbench, unit: Unit::PerSecond, limit: None, bar: None },
        rate(WORKER, stadium.clone(), PGBENCH, Some(2.5)),
        rate("worker_best", Load { choice: Choice::Best, ..stadium.clone() }, PGBENCH, Some(2.0)),
        rate("worker_standing", standing, PGBENCH, Some(2.0)),
        rate("worker_hot", hot.clone(), PGBENCH, Some(2.0)),
        size_growth(large_seats),
        lanes_growth(),
        rate("worker_batching_off", Load { batch_max: Some(1), ..stadium.clone() }, WORKER, None),
    ];
    rows.extend(further_away(&stadium));
    rows.extend(over_http(&stadium, &hot));
    rows
}

/// A load and what it must reach of the limit's rate.
fn rate(name: &'static str, load: Load, limit: &'static str, at_least: Option<f64>) -> Plan {
    Plan {
        name,
        subject: Subject::Worker { load, distance: None },
        unit: Unit::PerSecond,
        limit: Some(Limit::Row(limit)),
        bar: at_least.map(Bar::AtLeast),
    }
}

/// One large event against as many seats in small ones, which are sold one after the other.
fn size_growth(large_seats: u32) -> Plan {
    let sections = |seats: u32| u16::try_from(seats / SECTION_SEATS).unwrap_or(u16::MAX);
    let small = Load {
        events: large_seats / SMALL_SEATS,
        order: Order::InTurn,
        ..Load::named(Hall::seated(sections(SMALL_SEATS), SECTION_SEATS))
    };
    Plan {
        name: "size_growth",
        subject: Subject::Worker { load: Load::named(Hall::seated(sections(large_seats), SECTION_SEATS)), distance: None },
        unit: Unit::MicrosecondsEach,
        limit: Some(Limit::Load { name: "events_of_5000_seats", load: small }),
        bar: Some(Bar::AtMost(1.2)),
    }
}

/// Many events at once against one that has the seats of all.
fn lanes_growth() -> Plan {
    let many = Load { events: u32::from(EVENTS), ..Load::named(Hall::seated(1, EVENT_SEATS)) };
    Plan {
        name: "lanes_growth",
        subject: Subject::Worker { load: many, distance: None },
        unit: Unit::MicrosecondsEach,
        limit: Some(Limit::Load { name: "one_event", load: Load::named(Hall::seated(EVENTS, EVENT_SEATS)) }),
        bar: Some(Bar::AtMost(1.5)),
    }
}

/// The worker with its database so many milliseconds further away for every round trip, a commit's included. The first is the proxy's
/// own cost.
fn further_away(stadium: &Load) -> impl Iterator<Item = Plan> {
    let names = [
        (NO_DISTANCE, 0, WORKER),
        ("worker_round_trip_plus_1ms", 1, NO_DISTANCE),
        ("worker_round_trip_plus_2ms", 2, NO_DISTANCE),
        ("worker_round_trip_plus_5ms", 5, NO_DISTANCE),
    ];
    names.into_iter().map(|(name, delay_ms, limit)| Plan {
        subject: Subject::Worker { load: stadium.clone(), distance: Some(Duration::from_millis(delay_ms)) },
        ..rate(name, stadium.clone(), limit, None)
    })
}

/// The rows of a whole installation; see [`Drive`].
fn over_http(stadium: &Load, hot: &Load) -> [Plan; 7] {
    let row = |name, load: &Load, drive, unit, limit: Option<&'static str>, bar| Plan {
        name,
        subject: Subject::Http { load: load.clone(), drive },
        unit,
        limit: limit.map(Limit::Row),
        bar: Some(bar),
    };
    let round_trip = Plan { name: ROUND_TRIP, subject: Subject::RoundTrip, unit: Unit::Milliseconds, limit: None, bar: None };
    [
        round_trip,
        row(DECIDED, stadium, Drive::Closed, Unit::PerSecond, Some(PGBENCH), Bar::AtLeast(1.0)),
        row("decided_hot", hot, Drive::Closed, Unit::PerSecond, Some(PGBENCH), Bar::AtLeast(1.0)),
        row("confirmed", stadium, Drive::Paying, Unit::ConfirmedPerSecond, Some(PGBENCH), Bar::AtLeast(0.4)),
        row("outcome_p99", stadium, Drive::HalfPeak, Unit::Milliseconds, Some(ROUND_TRIP), Bar::AtMost(15.0)),
        row("overload_goodput", stadium, Drive::TenPeaks, Unit::PerSecond, Some(DECIDED), Bar::AtLeast(0.9)),
        row("kafka_lag_p99", stadium, Drive::ToldToKafka, Unit::Milliseconds, None, Bar::ValueAtMost(1_000.0)),
    ]
}

/// The rows of these names, and those they are compared to or measured with; all of them where none is named.
pub(crate) fn chosen(all: Vec<Plan>, names: &[String]) -> anyhow::Result<Vec<Plan>> {
    let known: Vec<&str> = all.iter().map(|plan| plan.name).collect();
    for name in names {
        ensure!(known.contains(&name.as_str()), "there is no row {name:?}; there are {}", known.join(", "));
    }
    let is_named = |name: &str| names.is_empty() || names.iter().any(|known| known == name);
    let needed: Vec<&str> = all.iter().filter(|plan| is_named(plan.name)).flat_map(Plan::needed_rows).collect();
    let is_chosen = |plan: &Plan| is_named(plan.name) || needed.contains(&plan.name);
    // What is compared to is shown without its own comparison, unless it was asked for, too.
    let shown = |plan: Plan| if is_named(plan.name) { plan } else { Plan { limit: None, bar: None, ..plan } };
    Ok(all.into_iter().filter(is_chosen).map(shown).collect())
}

impl Plan {
    /// What it is compared to, and what says how much it has to bear.
    fn needed_rows(&self) -> impl Iterator<Item = &'static str> {
        let limit = match self.limit {
            Some(Limit::Row(name)) => Some(name),
            _ => None,
        };
        limit.into_iter().chain(self.subject.peak())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn names(plans: &[Plan]) -> Vec<&'static str> {
        plans.iter().map(|plan| plan.name).collect()
    }

    #[test]
    fn names_are_unique_and_limits_come_first() {
        let rows = all(10, 500_000);
        let names = names(&rows);
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        for (n, row) in rows.iter().enumerate() {
            assert!(row.needed_rows().all(|needed| names[..n].contains(&needed)), "{}", row.name);
        }
    }

    #[test]
    fn compared_loads_sell_as_many_seats() {
        for row in all(10, 500_000) {
            if let (Subject::Worker { load, .. }, Some(Limit::Load { load: limit, .. })) = (&row.subject, &row.limit) {
                assert_eq!(load.accounts(), limit.accounts(), "{}", row.name);
            }
        }
    }

    #[test]
    fn a_chosen_row_brings_what_it_is_compared_to() {
        let chosen = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            chosen(all(10, 500_000), &wanted)
        };
        assert_eq!(names(&chosen(&["worker_hot"]).unwrap()), ["pgbench", "worker_hot"]);
        assert_eq!(names(&chosen(&["size_growth"]).unwrap()), ["size_growth"]);
        // Only the limit of what was asked for, not the limit's own.
        let batching = chosen(&["worker_batching_off"]).unwrap();
        assert_eq!(names(&batching), ["worker", "worker_batching_off"]);
        assert_eq!((&batching[0].limit, batching[0].bar), (&None, None));
        // The peak is measured for those that bear a part or a multiple of it.
        assert_eq!(names(&chosen(&["outcome_p99"]).unwrap()), ["round_trip_p99", "decided", "outcome_p99"]);
        assert_eq!(names(&chosen(&["overload_goodput"]).unwrap()), ["decided", "overload_goodput"]);
        assert_eq!(names(&chosen(&[]).unwrap()), names(&all(10, 500_000)));
        let error = chosen(&["wroker"]).unwrap_err().to_string();
        assert!(error.starts_with("there is no row \"wroker\"; there are pgbench, worker, "), "{error}");
    }
}

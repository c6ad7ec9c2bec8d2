//! A sale rehearsed on a virtual clock: how long the line takes, what fans are told meanwhile, and what it costs.
//!
//! Not here: I/O, real time, and rules of its own. Who comes inside, for how long, and what those who wait are told is decided by the
//! domain's policy, the same functions that the service calls.
//!
//! Invariants:
//! * the same scenario is the same sale, to the last fan: each consumer of randomness has a stream of its own, derived from the seed;
//! * whether a place was lost, doubled or overtaken is judged from the outside, by what fans saw, against the room's log.

mod arrivals;
mod crowd;
mod eta;
mod faults;
mod inside;
mod owner;
mod pipeline;
mod polls;
mod report;
mod room;
mod sale;
mod scenario;
mod shown;
mod tally;
mod tau;
mod verdict;

pub use faults::{Fault, Kind};
pub use report::{ChartError, EtaFigures, Peaks, Report, Sample, Spread, TurnFigures, svg};
pub use scenario::{Auto, Booking, Cdn, Index, Pipeline, Room, Scenario, ScenarioError, Slowdown};
pub use verdict::Verdict;

use room::{Flat, Logged};
use sale::Sale;

/// Runs the sale to its end.
pub fn run(scenario: &Scenario) -> Result<Report, ScenarioError> {
    scenario.check()?;
    Ok(match scenario.index() {
        Index::Flat => Sale::new(scenario, Flat::new(scenario)).run(),
        Index::Log => Sale::new(scenario, Logged::new(scenario)).run(),
    })
}

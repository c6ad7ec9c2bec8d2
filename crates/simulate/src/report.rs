//! What the rehearsal comes to: for people, for machines, and as a picture.

mod chart;
mod text;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::scenario::Index;
use crate::verdict::Verdict;

pub use chart::{ChartError, svg};

/// A sale that was rehearsed. Seconds count from its start.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// How the line was kept.
    pub index: Index,
    /// Until the last turn, where everyone had one.
    pub drained_s: Option<u64>,
    /// Until the last seat was sold, where they were.
    pub sold_out_s: Option<u64>,
    /// From the start, or the joining if that was later, to the turn; in seconds.
    pub wait_s: Spread,
    /// What fans were told about that.
    pub eta: EtaFigures,
    /// What became of the turns.
    pub turns: TurnFigures,
    /// What the servers had to answer.
    pub peaks: Peaks,
    /// Lowest and highest rate that was in force, per minute.
    pub rate_per_min: (u32, u32),
    /// What fans saw against what the log says.
    pub verdict: Verdict,
    /// The sale over time.
    pub timeline: Vec<Sample>,
}

/// Percentiles.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Spread {
    /// Half of all are not above.
    pub p50: u64,
    /// Nine of ten.
    pub p90: u64,
    /// Ninety-nine of a hundred.
    pub p99: u64,
    /// None is above.
    pub max: u64,
}

/// What fans were told about their waiting time.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct EtaFigures {
    /// How often fans looked whose turn came later.
    pub looks: u64,
    /// Which share of these saw a range in which their turn came.
    pub within_share: Option<f64>,
    /// How far the middle of the range was off, in per cent of the true time.
    pub error_percent: Spread,
    /// How often the later end of the range was further away than in the look before.
    pub later_promises: u64,
}

/// What became of the turns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct TurnFigures {
    /// Fans who came inside.
    pub claimed: u64,
    /// Fans who never claimed.
    pub no_shows: u64,
    /// Fans who came, after their window.
    pub too_late: u64,
    /// Fans who came back after their turn had passed, for one more.
    pub deferred: u64,
    /// Fans who got seats.
    pub booked: u64,
    /// Fans who wanted seats and found none.
    pub found_nothing: u64,
    /// Seats sold.
    pub seats_sold: u64,
}

/// The most of anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Peaks {
    /// Fans in line, or in the lobby.
    pub waiting: u64,
    /// Fans who could buy.
    pub inside: u64,
    /// Joins in a second.
    pub joins_per_s: u64,
    /// Claims in a second.
    pub claims_per_s: u64,
    /// Polls in a second, if everyone asks the gateways for their place.
    pub polls_per_s: u64,
    /// Requests for the board in a second at the CDN, if everyone computes their place from it instead.
    pub board_at_cdn_per_s: u64,
    /// Those of them that the CDN hands on.
    pub board_at_origin_per_s: u64,
    /// Memory of the line in Redis, in MiB.
    pub redis_mib: u64,
}

/// A second of the sale.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Sample {
    /// Which.
    pub at_s: i64,
    /// In line, or in the lobby.
    pub waiting: u64,
    /// Who could buy.
    pub inside: u64,
    /// Turns so far.
    pub admitted: u64,
    /// The rate in force.
    pub rate_per_min: u32,
    /// Polls in this second.
    pub polls_per_s: u64,
}

impl Spread {
    /// For values up to this one; larger ones count as it.
    #[expect(clippy::expect_used, reason = "the bounds and three digits are allowed")]
    pub(crate) fn histogram(highest: u64) -> Histogram<u64> {
        Histogram::new_with_bounds(1, highest.max(2), 3).expect("bounds and three digits")
    }

    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: histogram.max() }
    }
}

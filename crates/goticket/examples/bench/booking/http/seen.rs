//! What fans saw, and what it says about a run. No I/O.

use std::time::Duration;

use crate::{
    latency::Latencies,
    rates::{Counter, Rates, count},
};

/// What one request was told in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Told {
    /// 201: the seats are theirs, until they pay or the time is over.
    Held,
    /// Paid, and they saw it.
    Confirmed,
    /// 409: somebody else has the seats.
    Refused,
    /// 202: it will be decided.
    Accepted,
    /// 429 or 503: not now, and nothing was begun.
    Busy,
    /// 503: it may have been accepted, and even decided.
    Unsure,
    /// Whatever no row is about.
    Unexpected,
}

impl Told {
    pub(crate) fn is_decision(self) -> bool {
        matches!(self, Self::Held | Self::Confirmed | Self::Refused)
    }

    pub(crate) fn may_come_back(self) -> bool {
        matches!(self, Self::Busy | Self::Unsure)
    }
}

/// One request; times are since the clock started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Which request of the run.
    pub no: u32,
    pub told: Told,
    /// When it had to be sent: at once, unless requests come at times of their own.
    pub due: Duration,
    pub sent: Duration,
    pub answered: Duration,
}

/// What one run of the clock saw.
pub(crate) struct Measured<'a> {
    all: &'a [Seen],
    elapsed: Duration,
}

impl<'a> Measured<'a> {
    /// The clock ran for `elapsed`; what was answered later counts in no rate.
    pub(crate) fn new(all: &'a [Seen], elapsed: Duration) -> Self {
        Self { all, elapsed }
    }

    /// Of everything that was sent, whenever it was answered.
    pub(crate) fn count(&self, counts: impl Fn(Told) -> bool) -> usize {
        self.all.iter().filter(|seen| counts(seen.told)).count()
    }

    fn in_time(&self, counts: impl Fn(Told) -> bool) -> impl Iterator<Item = &Seen> {
        self.all.iter().filter(move |seen| seen.answered <= self.elapsed && counts(seen.told))
    }

    pub(crate) fn per_second(&self, counts: impl Fn(Told) -> bool) -> f64 {
        count(self.in_time(counts).count() as u64) / self.elapsed.as_secs_f64()
    }

    pub(crate) fn sent_per_second(&self) -> f64 {
        count(self.all.len() as u64) / self.elapsed.as_secs_f64()
    }

    /// In each full second.
    pub(crate) fn rates(&self, counts: impl Fn(Told) -> bool) -> Rates {
        let mut counter = Counter::default();
        for seen in self.in_time(counts) {
            counter.add(seen.answered, seen.answered, 1);
        }
        counter.finish(self.elapsed)
    }

    /// From the moment a request was due, so that one that had to wait for a free connection is not made to look faster.
    pub(crate) fn since_due(&self, counts: impl Fn(Told) -> bool) -> Latencies {
        Latencies::of(self.all.iter().filter(|seen| counts(seen.told)).map(|seen| seen.answered.saturating_sub(seen.due)))
    }

    /// From the moment a request was sent.
    pub(crate) fn since_sent(&self, counts: impl Fn(Told) -> bool) -> Latencies {
        Latencies::of(self.all.iter().filter(|seen| counts(seen.told)).map(|seen| seen.answered.saturating_sub(seen.sent)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn seen(told: Told, due: u64, sent: u64, answered: u64) -> Seen {
        Seen { no: 0, told, due: ms(due), sent: ms(sent), answered: ms(answered) }
    }

    #[test]
    fn what_is_answered_after_the_end_is_no_part_of_a_rate() {
        let all = [
            seen(Told::Held, 0, 0, 500),
            seen(Told::Refused, 900, 900, 1_500),
            seen(Told::Accepted, 900, 900, 1_600),
            seen(Told::Held, 1_900, 1_900, 2_100),
        ];
        let measured = Measured::new(&all, ms(2_000));
        assert_eq!(measured.count(Told::is_decision), 3);
        assert_eq!(measured.rates(Told::is_decision), Rates(vec![1.0, 1.0]));
        assert!((measured.per_second(Told::is_decision) - 1.0).abs() < 1e-9);
        assert!((measured.sent_per_second() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_request_that_waited_for_a_connection_took_that_long() {
        let all = [seen(Told::Held, 100, 400, 500)];
        let measured = Measured::new(&all, ms(1_000));
        assert_eq!(measured.since_due(Told::is_decision).ms_at(100.0).map(f64::round), Some(400.0));
        assert_eq!(measured.since_sent(Told::is_decision).ms_at(100.0).map(f64::round), Some(100.0));
        assert_eq!(measured.since_due(|told| told == Told::Busy).ms_at(99.0), None);
    }
}

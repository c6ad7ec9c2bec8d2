//! What is counted while the sale runs.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::report::{Peaks, Sample, Spread, TurnFigures};

/// Seconds between two samples, to begin with.
const SAMPLE_EVERY_S: i64 = 1;
/// Most samples: of more every other one goes.
const SAMPLES_MAX: usize = 600;
/// No sale lasts longer, in seconds.
const WAIT_MAX_S: u64 = 604_800;
/// A fan in line, in bytes of Redis' memory, as measured.
const REDIS_BYTES_PER_FAN: u64 = 150;

pub(crate) struct Tally {
    pub(crate) turns: TurnFigures,
    pub(crate) peaks: Peaks,
    pub(crate) rate_per_min: (u32, u32),
    pub(crate) last_turn_s: Option<u64>,
    pub(crate) last_seat_s: Option<u64>,
    waits_s: Histogram<u64>,
    timeline: Vec<Sample>,
    every_s: i64,
    joins: u64,
    claims: BTreeMap<i64, u64>,
}

impl Tally {
    pub(crate) fn new(rate_per_min: u32) -> Self {
        Self {
            turns: TurnFigures::default(),
            peaks: Peaks::default(),
            rate_per_min: (rate_per_min, rate_per_min),
            last_turn_s: None,
            last_seat_s: None,
            waits_s: Spread::histogram(WAIT_MAX_S),
            timeline: Vec::new(),
            every_s: SAMPLE_EVERY_S,
            joins: 0,
            claims: BTreeMap::new(),
        }
    }

    pub(crate) fn turn(&mut self, waited_ms: i64) {
        self.waits_s.saturating_record(u64::try_from(waited_ms / 1_000).unwrap_or(0));
    }

    pub(crate) fn claim(&mut self, at_ms: i64) {
        self.turns.claimed += 1;
        *self.claims.entry(at_ms.div_euclid(1_000)).or_default() += 1;
    }

    /// At the end of each second; `joined` counts everyone so far.
    pub(crate) fn second(&mut self, sample: Sample, joined: u64, edges: u32) {
        let joins = joined - std::mem::replace(&mut self.joins, joined);
        let claims = self.claims.remove(&(sample.at_s - 1)).unwrap_or(0);
        let peaks = &mut self.peaks;
        peaks.waiting = peaks.waiting.max(sample.waiting);
        peaks.inside = peaks.inside.max(sample.inside);
        peaks.joins_per_s = peaks.joins_per_s.max(joins);
        peaks.claims_per_s = peaks.claims_per_s.max(claims);
        peaks.polls_per_s = peaks.polls_per_s.max(sample.polls_per_s);
        peaks.board_at_cdn_per_s = peaks.polls_per_s;
        // The board is good for a second: each edge asks once for it, if anyone asks the edge.
        peaks.board_at_origin_per_s = peaks.polls_per_s.min(edges.into());
        peaks.redis_mib = peaks.waiting * REDIS_BYTES_PER_FAN / (1 << 20);
        self.rate_per_min.0 = self.rate_per_min.0.min(sample.rate_per_min);
        self.rate_per_min.1 = self.rate_per_min.1.max(sample.rate_per_min);
        if sample.at_s % self.every_s == 0 {
            self.timeline.push(sample);
        }
        if self.timeline.len() > SAMPLES_MAX {
            self.every_s *= 2;
            let every_s = self.every_s;
            self.timeline.retain(|sample| sample.at_s % every_s == 0);
        }
    }

    pub(crate) fn waits(&self) -> Spread {
        Spread::of(&self.waits_s)
    }

    pub(crate) fn into_timeline(self) -> Vec<Sample> {
        self.timeline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_of_any_length_are_told() {
        for waited_s in [0, 1, 30, 5_000, 14_025, WAIT_MAX_S] {
            let mut tally = Tally::new(60);
            for _ in 0..1_000 {
                tally.turn(i64::try_from(waited_s).unwrap() * 1_000);
            }
            let Spread { p50, max, .. } = tally.waits();
            assert!(
                p50.abs_diff(waited_s) * 1_000 <= waited_s && max.abs_diff(waited_s) * 1_000 <= waited_s,
                "{waited_s}: {p50} {max}"
            );
        }
    }

    #[test]
    fn the_timeline_stays_short_and_peaks_are_kept() {
        let mut tally = Tally::new(60);
        for at_s in -100..5_000 {
            let waiting = if at_s == 77 { 1 << 20 } else { 5 };
            let sample = Sample { at_s, waiting, inside: 1, admitted: 0, rate_per_min: 60, polls_per_s: 3 };
            tally.claim(at_s * 1_000 - 1);
            tally.second(sample, u64::try_from(at_s + 100).unwrap(), 2);
        }
        let peaks = tally.peaks;
        assert_eq!((peaks.waiting, peaks.joins_per_s, peaks.claims_per_s, peaks.redis_mib), (1 << 20, 1, 1, 150));
        assert_eq!((peaks.board_at_cdn_per_s, peaks.board_at_origin_per_s), (3, 2));
        let timeline = tally.into_timeline();
        assert!((SAMPLES_MAX / 2..=SAMPLES_MAX).contains(&timeline.len()), "{}", timeline.len());
    }
}

//! What decides bookings: a queue that is worked off at a certain speed.

use goticket_domain::queue::Health;

use crate::scenario;

pub(crate) struct Pipeline {
    set: scenario::Pipeline,
    waiting: f64,
}

impl Pipeline {
    pub(crate) fn new(set: &scenario::Pipeline) -> Self {
        Self { set: set.clone(), waiting: 0.0 }
    }

    /// So many requests came, and time passed. Returns how it does now.
    pub(crate) fn advance(&mut self, requests: u32, now_ms: i64, passed_ms: u32) -> Health {
        let percent = self.percent(now_ms);
        let per_ms = f64::from(self.set.capacity_per_min) / 60_000.0 * f64::from(percent) / 100.0;
        self.waiting = (self.waiting + f64::from(requests) - per_ms * f64::from(passed_ms)).max(0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an age in milliseconds")]
        let queue_age_ms = (self.waiting / per_ms) as u64;
        Health { queue_age_ms, commit_ms: self.set.commit_ms * 100 / u64::from(percent), errors_per_million: 0 }
    }

    fn percent(&self, now_ms: i64) -> u32 {
        let during = |from_s: i32, to_s: i32| (i64::from(from_s) * 1_000..i64::from(to_s) * 1_000).contains(&now_ms);
        self.set.slowdowns.iter().filter(|slow| during(slow.from_s, slow.to_s)).map(|slow| slow.to_percent).min().unwrap_or(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Slowdown;

    #[test]
    fn what_is_too_much_waits_and_a_slowdown_shows() {
        let slowdowns = vec![Slowdown { from_s: 10, to_s: 20, to_percent: 10 }];
        let mut pipeline = Pipeline::new(&scenario::Pipeline { capacity_per_min: 60_000, commit_ms: 10, slowdowns });
        let seen = |health: Health| (health.queue_age_ms, health.commit_ms);
        assert_eq!(seen(pipeline.advance(500, 0, 1_000)), (0, 10));
        assert_eq!(seen(pipeline.advance(3_000, 1_000, 1_000)), (2_000, 10));
        assert_eq!(seen(pipeline.advance(0, 10_000, 1_000)), (19_000, 100));
        assert_eq!(seen(pipeline.advance(0, 20_000, 1_000)), (900, 10));
    }
}

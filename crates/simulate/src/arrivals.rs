//! When fans come: a curve through the points of the scenario.

use crate::scenario::{ScenarioError, ensure};

/// Fans in the order in which they come.
pub(crate) struct Arrivals {
    fans: u32,
    points: Vec<(i32, f64)>,
}

pub(crate) fn check(points: &[(i32, f64)]) -> Result<(), ScenarioError> {
    let rising = points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
    let whole = matches!(points, [first, .., last] if first.1 == 0.0 && (last.1 - 1.0).abs() < 1e-9 && first.0 < 0);
    ensure("arrivals", rising && whole, "at least two points, rising from a second before 0 with share 0 to share 1")
}

impl Arrivals {
    pub(crate) fn new(fans: u32, points: &[(i32, f64)]) -> Self {
        Self { fans, points: points.to_vec() }
    }

    /// When the lobby opens.
    pub(crate) fn open_ms(&self) -> i64 {
        self.points.first().map_or(0, |&(second, _)| i64::from(second) * 1_000)
    }

    /// How many fans have come by then.
    pub(crate) fn by(&self, at_ms: i64) -> u32 {
        #[expect(clippy::cast_precision_loss, reason = "a week of milliseconds is exact")]
        let at_s = at_ms as f64 / 1_000.0;
        let after = self.points.partition_point(|&(second, _)| f64::from(second) <= at_s);
        let share = match (after.checked_sub(1).and_then(|i| self.points.get(i)), self.points.get(after)) {
            (None, _) => 0.0,
            (Some(_), None) => 1.0,
            (Some(&(from_s, from)), Some(&(to_s, to))) => {
                from + (to - from) * (at_s - f64::from(from_s)) / f64::from(to_s - from_s)
            }
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of fans")]
        let come = (share * f64::from(self.fans)) as u32;
        come.min(self.fans)
    }

    /// When this fan came, counted from 0; to the millisecond.
    pub(crate) fn of(&self, fan: u32) -> i64 {
        let (mut before_ms, mut by_ms) = (self.open_ms(), self.points.last().map_or(0, |&(second, _)| i64::from(second) * 1_000));
        while by_ms - before_ms > 1 {
            let middle_ms = before_ms + (by_ms - before_ms) / 2;
            if self.by(middle_ms) > fan { by_ms = middle_ms } else { before_ms = middle_ms }
        }
        by_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fans_come_along_the_curve() {
        let arrivals = Arrivals::new(1_000, &[(-100, 0.0), (0, 0.5), (10, 1.0)]);
        for (at_ms, come) in
            [(-200_000, 0), (-100_000, 0), (-50_000, 250), (0, 500), (5_000, 750), (10_000, 1_000), (99_000, 1_000)]
        {
            assert_eq!(arrivals.by(at_ms), come, "{at_ms}");
        }
        for fan in [0, 1, 499, 500, 999] {
            let at_ms = arrivals.of(fan);
            assert!(arrivals.by(at_ms) > fan && arrivals.by(at_ms - 1) <= fan, "{fan} at {at_ms}");
        }
    }

    #[test]
    fn a_curve_that_is_none_is_refused() {
        for points in
            [&[][..], &[(0, 0.0), (9, 1.0)], &[(-9, 0.1), (9, 1.0)], &[(-9, 0.0), (9, 0.9)], &[(-9, 0.0), (0, 0.5), (0, 1.0)]]
        {
            assert!(check(points).is_err(), "{points:?}");
        }
        assert!(check(&[(-9, 0.0), (9, 1.0)]).is_ok());
    }
}

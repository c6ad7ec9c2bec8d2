//! How many polls a second a line makes, if everyone comes back when they were told to.

use goticket_domain::queue::{Distance, PlaceId, poll_after_ms};

/// A place whose jitter is that of the average.
const AVERAGE: PlaceId = PlaceId([0x7f; 16]);
/// Fans further away than this are counted in groups of equal distance, each a tenth further than the one before.
const ALONE_MAX: u64 = 16;

/// Of everyone in the lobby.
pub(crate) fn in_lobby(joined: u64, rate_per_min: u32) -> f64 {
    polls(joined, poll_after_ms(AVERAGE, Distance::Lobby { joined }, rate_per_min))
}

/// Of everyone in line.
pub(crate) fn in_line(waiting: u64, rate_per_min: u32) -> f64 {
    let (mut all, mut first) = (0.0, 0);
    while first < waiting {
        let size = if first < ALONE_MAX { 1 } else { first / 10 };
        let next = (first + size).min(waiting);
        all += polls(next - first, poll_after_ms(AVERAGE, Distance::Ahead(first + (next - first) / 2), rate_per_min));
        first = next;
    }
    all
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn polls(fans: u64, interval_ms: u64) -> f64 {
    fans as f64 * 1_000.0 / interval_ms as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_in_groups_is_counting_everyone() {
        for (waiting, rate) in [(0, 600), (1, 600), (50_000, 60), (50_000, 6_000), (50_000, 600_000), (50_000, 0)] {
            let one_by_one: f64 = (0..waiting).map(|ahead| polls(1, poll_after_ms(AVERAGE, Distance::Ahead(ahead), rate))).sum();
            let grouped = in_line(waiting, rate);
            assert!((grouped - one_by_one).abs() <= one_by_one * 0.01, "{waiting} at {rate}: {grouped} for {one_by_one}");
        }
    }

    #[test]
    fn millions_cost_what_the_rate_allows() {
        // What the domain promises: 45 r + waiting / 25, at a rate of r a second.
        for rate_per_min in [6_000, 60_000, 600_000] {
            let most = 45.0 * f64::from(rate_per_min) / 60.0 + 14_000_000.0 / 25.0;
            assert!(in_line(14_000_000, rate_per_min) <= most);
        }
    }
}

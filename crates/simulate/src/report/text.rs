//! The report as a table.

use std::fmt;

use super::{Report, Spread};
use crate::scenario::Index;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { turns, peaks, verdict, eta, .. } = self;
        let mut row = |name: &str, text: String| writeln!(f, "{name:<22}{text}");
        let ended = |at: Option<u64>| at.map_or("no".to_owned(), clock);
        row("line empty", ended(self.drained_s))?;
        row("sold out", ended(self.sold_out_s))?;
        row("wait", spread(self.wait_s, clock))?;
        let within = eta.within_share.map_or("–".to_owned(), |share| format!("{:.1} %", share * 100.0));
        row(
            "told waiting time",
            format!("{within} of {} looks within the range, {} times later than before", eta.looks, eta.later_promises),
        )?;
        row("  off by", spread(eta.error_percent, |percent| format!("{percent} %")))?;
        row(
            "turns",
            format!(
                "{} of {} fans, {} no-shows, {} too late, {} came back",
                verdict.turns, verdict.joined, turns.no_shows, turns.too_late, turns.deferred
            ),
        )?;
        row("booked", format!("{} fans, {} seats; {} found nothing", turns.booked, turns.seats_sold, turns.found_nothing))?;
        row("rate", format!("{} to {} per minute", self.rate_per_min.0, self.rate_per_min.1))?;
        row("at most", format!("{} waiting ({} MiB in Redis), {} inside", peaks.waiting, peaks.redis_mib, peaks.inside))?;
        row("  per second", format!("{} joins, {} claims", peaks.joins_per_s, peaks.claims_per_s))?;
        row("  polls per second", format!("{} at the gateways", peaks.polls_per_s))?;
        row("  or boards", format!("{} at the CDN, {} at the origin", peaks.board_at_cdn_per_s, peaks.board_at_origin_per_s))?;
        let kept = match self.index {
            Index::Log => "by the room's log",
            Index::Flat => "as an array",
        };
        row(
            "places",
            format!(
                "{} lost, {} doubled, {} refused, tau {} (line kept {kept})",
                verdict.lost, verdict.doubled, verdict.refused, verdict.tau
            ),
        )?;
        writeln!(f, "{}", if verdict.is_ok() { "Every place was kept." } else { "PLACES WERE NOT KEPT." })
    }
}

fn spread(of: Spread, show: impl Fn(u64) -> String) -> String {
    let Spread { p50, p90, p99, max } = of;
    format!("p50 {}, p90 {}, p99 {}, at most {}", show(p50), show(p90), show(p99), show(max))
}

fn clock(seconds: u64) -> String {
    format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_clocks_do() {
        assert_eq!([clock(0), clock(59), clock(3_661), clock(100_000)], ["0:00:00", "0:00:59", "1:01:01", "27:46:40"]);
    }
}

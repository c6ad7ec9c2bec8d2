//! What processes spend.

use std::fs;

use anyhow::Context as _;

/// `/proc/PID/stat` counts in hundredths of a second, on every architecture.
const CLOCK_TICKS: f64 = 100.0;

/// Seconds that the process has spent so far, on all its threads.
pub(super) fn seconds(process: u32) -> anyhow::Result<f64> {
    let file = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
    parse(&stat).with_context(|| format!("{file} cannot be read"))
}

/// User and system time are the 14th and 15th field; the second is a name in brackets, with anything in it.
fn parse(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / CLOCK_TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "77 (a ) b) S 1 77 77 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 12345 1000 200\n";
        assert_eq!(parse(stat), Some(3.0));
        assert_eq!(parse("77"), None);
    }
}

//! All rows, in the order in which they are measured and shown.

use futures::future::BoxFuture;

use super::{Ground, Measured, claims, draw, joins, neighbours, polls, redis_bytes, refill, ticks, watchers};
use crate::report::Bar;

/// What HTTP rows are compared to.
const BARE: &str = "bare_handler";
const PIPE: &str = "redis_cli_pipe";

/// One row of the report.
pub(super) struct Plan {
    pub name: &'static str,
    pub unit: &'static str,
    /// What it is compared to.
    pub limit: Option<&'static str>,
    pub bar: Option<Bar>,
    pub run: fn(Ground) -> BoxFuture<'static, anyhow::Result<Measured>>,
}

pub(super) fn all() -> [Plan; 13] {
    let row = |name, unit, limit, bar, run| Plan { name, unit, limit, bar: Some(bar), run };
    [
        row("tick_1000_rooms", "cores", None, Bar::ValueAtMost(0.15), |ground| Box::pin(ticks::run(ground))),
        row("place_polls", "polls/s", Some(BARE), Bar::AtLeast(0.7), |ground| Box::pin(polls::places(ground))),
        row("board", "boards/s", Some(BARE), Bar::AtLeast(0.9), |ground| Box::pin(polls::boards(ground))),
        row("poll_cost_growth", "µs each", Some("10_000_waiting"), Bar::AtMost(1.1), |ground| Box::pin(polls::growth(ground))),
        row("joins", "joins/s", Some(BARE), Bar::AtLeast(0.2), |ground| Box::pin(joins::rate(ground))),
        row("join_cost_growth", "µs each", Some("10_000_in_line"), Bar::AtMost(1.3), |ground| Box::pin(joins::growth(ground))),
        row("claim_p99", "ms", Some("redis_ping_p99"), Bar::AtMost(10.0), |ground| Box::pin(claims::run(ground))),
        row("draw_1m", "s", Some(PIPE), Bar::AtMost(3.0), |ground| Box::pin(draw::run(ground))),
        row("refill_1m", "s", Some(PIPE), Bar::AtMost(3.0), |ground| Box::pin(refill::run(ground))),
        row("redis_bytes_per_fan", "bytes", None, Bar::ValueAtMost(150.0), |ground| Box::pin(redis_bytes::run(ground))),
        row("others_join_p99", "ms", Some("in_quiet"), Bar::AtMost(2.0), |ground| Box::pin(neighbours::run(ground))),
        row("sse_kib_per_watcher", "KiB", None, Bar::ValueAtMost(20.0), |ground| Box::pin(watchers::kib(ground))),
        row("sse_last_ms", "ms", None, Bar::ValueAtMost(1_000.0), |ground| Box::pin(watchers::last_ms(ground))),
    ]
}

pub(super) fn names() -> String {
    all().map(|row| row.name).join(", ")
}

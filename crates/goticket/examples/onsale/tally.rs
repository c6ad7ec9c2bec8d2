//! What the crowd saw: counters, latencies by step, and the progress bars that show them live.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A step of the path whose latency is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Register,
    Login,
    Join,
    Place,
    Claim,
    SeatMap,
    Book,
    Payment,
    Card,
    Confirm,
    Other,
}

impl Step {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Login => "login",
            Self::Join => "join",
            Self::Place => "place",
            Self::Claim => "claim",
            Self::SeatMap => "seat_map",
            Self::Book => "request_to_outcome",
            Self::Payment => "open_payment",
            Self::Card => "card",
            Self::Confirm => "paid_to_confirmed",
            Self::Other => "other",
        }
    }
}

/// p50, p95 and p99 of one step, in milliseconds.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Percentiles {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub count: u64,
}

/// Everything that is counted while the sale runs.
pub(crate) struct Tally {
    pub joined: Counter,
    pub admitted: Counter,
    pub held: Counter,
    pub confirmed: Counter,
    pub seats_confirmed: Counter,
    pub done: Counter,
    refused: Mutex<BTreeMap<String, u64>>,
    repeats: Mutex<BTreeMap<Step, u64>>,
    latencies: Mutex<BTreeMap<Step, Histogram<u64>>>,
    capacity: u64,
    sold_out_at: Mutex<Option<Instant>>,
}

/// A count with a bar.
pub(crate) struct Counter {
    count: AtomicU64,
    bar: ProgressBar,
}

impl Counter {
    fn new(bars: &MultiProgress, name: &'static str, of: u64) -> Self {
        let style = ProgressStyle::with_template("{prefix:>16} {bar:40.cyan/blue} {pos:>7} of {len} {msg}")
            .expect("the template is valid");
        let bar = bars.add(ProgressBar::new(of).with_style(style).with_prefix(name));
        Self { count: AtomicU64::new(0), bar }
    }

    pub(crate) fn add(&self, n: u64) {
        self.count.fetch_add(n, Ordering::Relaxed);
        self.bar.inc(n);
    }

    pub(crate) fn get(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn say(&self, message: &'static str) {
        self.bar.set_message(message);
    }

    fn finish(&self) {
        self.bar.abandon();
    }
}

impl Tally {
    /// With bars on the terminal.
    pub(crate) fn new(fans: u64, seats: u64) -> Self {
        Self::on(&MultiProgress::new(), fans, seats)
    }

    /// Without: for what happens before the crowd comes.
    pub(crate) fn hidden() -> Self {
        Self::on(&MultiProgress::with_draw_target(ProgressDrawTarget::hidden()), 0, 0)
    }

    fn on(bars: &MultiProgress, fans: u64, seats: u64) -> Self {
        Self {
            joined: Counter::new(bars, "in line", fans),
            admitted: Counter::new(bars, "admitted", fans),
            held: Counter::new(bars, "bookings held", fans),
            confirmed: Counter::new(bars, "paid", fans),
            seats_confirmed: Counter::new(bars, "seats sold", seats),
            done: Counter::new(bars, "gone home", fans),
            refused: Mutex::default(),
            repeats: Mutex::default(),
            latencies: Mutex::default(),
            capacity: seats,
            sold_out_at: Mutex::default(),
        }
    }

    /// So many seats are paid for.
    pub(crate) fn sold(&self, seats: usize) {
        self.seats_confirmed.add(seats as u64);
        if self.seats_confirmed.get() >= self.capacity {
            self.sold_out();
        }
    }

    pub(crate) fn record(&self, step: Step, took: Duration) {
        let mut all = self.latencies.lock().expect("nobody panics while counting");
        let histogram = all.entry(step).or_insert_with(|| Histogram::new(3).expect("three digits are allowed"));
        // Grows as needed; what a u64 of microseconds cannot hold would be longer than any demo.
        let _ = histogram.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn repeated(&self, step: Step) {
        *self.repeats.lock().expect("nobody panics while counting").entry(step).or_default() += 1;
    }

    pub(crate) fn refused(&self, reason: &str) {
        *self.refused.lock().expect("nobody panics while counting").entry(reason.to_owned()).or_default() += 1;
    }

    /// Nothing is left, as far as a fan can see.
    pub(crate) fn sold_out(&self) {
        self.sold_out_at.lock().expect("nobody panics while counting").get_or_insert_with(Instant::now);
    }

    pub(crate) fn sold_out_after(&self, start: Instant) -> Option<f64> {
        let at = *self.sold_out_at.lock().expect("nobody panics while counting");
        at.map(|at| at.saturating_duration_since(start).as_secs_f64())
    }

    pub(crate) fn refusals(&self) -> BTreeMap<String, u64> {
        self.refused.lock().expect("nobody panics while counting").clone()
    }

    pub(crate) fn repeats(&self) -> BTreeMap<String, u64> {
        let repeats = self.repeats.lock().expect("nobody panics while counting");
        repeats.iter().map(|(step, n)| (step.name().to_owned(), *n)).collect()
    }

    pub(crate) fn percentiles(&self) -> BTreeMap<String, Percentiles> {
        let all = self.latencies.lock().expect("nobody panics while counting");
        all.iter().map(|(step, histogram)| (step.name().to_owned(), percentiles(histogram))).collect()
    }

    pub(crate) fn finish(&self) {
        for counter in [&self.joined, &self.admitted, &self.held, &self.confirmed, &self.seats_confirmed, &self.done] {
            counter.finish();
        }
    }
}

fn percentiles(histogram: &Histogram<u64>) -> Percentiles {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a demo fit a double")]
    let at = |percentile| histogram.value_at_percentile(percentile) as f64 / 1_000.0;
    Percentiles { p50: at(50.0), p95: at(95.0), p99: at(99.0), count: histogram.len() }
}

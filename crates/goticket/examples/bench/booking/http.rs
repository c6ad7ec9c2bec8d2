//! The rows over HTTP: a whole installation of real processes, and fans who ask it for seats, on the same cores.
//!
//! Every run has a database and processes of its own. Before its clock starts, each fan has been let in and their access token is known to
//! the gateway, as that of everyone who has waited in line, and one pair of each section is sold. Each fan asks once.

mod books;
mod crowd;
mod fans;
mod installation;
mod kafka;
mod seen;
mod shop;

use std::{collections::VecDeque, num::NonZeroUsize, thread, time::Duration};

use anyhow::{Context as _, ensure};
use goticket_testkit::TestBed;
use jiff::Timestamp;
use sqlx::{Connection as _, PgConnection};

use self::{
    crowd::{Crowd, Pace},
    installation::Installation,
    kafka::{Lag, Reader},
    seen::{Measured, Seen, Told},
    shop::Errand,
};
use super::{
    load::{Aim, Load},
    requests::{Request, Requests},
};
use crate::{
    memory::{self, Growth},
    series::Run,
};

/// How the fans come, and what is measured of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Drive {
    /// The next as soon as a connection is free: decisions per second.
    Closed,
    /// The same, and who gets seats pays: confirmed bookings per second.
    Paying,
    /// Evenly, half of the peak: p99 from request to outcome.
    HalfPeak,
    /// Ten times the peak, or as many as the generator can offer: decisions per second.
    TenPeaks,
    /// As many as at the peak: p99 from commit to Kafka.
    ToldToKafka,
}

/// Fans per second of a run: more than any machine we dream of serves.
const FANS_PER_SECOND: u64 = 8_000;

/// Connections: before the clock starts, of fans who come when one is free, of those who also pay, of those who come evenly, and of those
/// who are too many. The last are more than have their turn at a gateway, wait for it, or wait for an outcome; even more would only wait
/// for the generator.
const PREPARING: usize = 128;
const CLOSED: usize = 512;
const PAYING: usize = 128;
const EVEN: usize = 1_024;
const TOO_MANY: usize = 2_048;

/// Times the peak that are offered.
const OVERLOAD: f64 = 10.0;

/// What may be refused no slower, and what may grow by no more, while there is too much to do.
const REFUSAL_P99_MAX_MS: f64 = 10.0;
const GROWTH_MAX: f64 = 0.5;

/// Nothing before the clock takes longer.
const PATIENCE: Duration = Duration::from_mins(2);

/// How long the overloaded work at their peak first: what memory grows from is that of a busy installation.
const WARM_UP: Duration = Duration::from_secs(1);

/// One run.
pub(crate) async fn run(
    bed: TestBed,
    load: &Load,
    drive: Drive,
    peak: Option<f64>,
    seed: u64,
    for_: Duration,
) -> anyhow::Result<Run> {
    let requests = Requests::new(load, seed);
    let before = VecDeque::from(requests.before());
    let on_the_clock = usize::try_from(FANS_PER_SECOND * for_.as_secs())?.min(load.accounts() as usize - before.len());
    let installation = Installation::start(bed, load, before.len() + on_the_clock).await?;
    let connections = match drive {
        Drive::Closed | Drive::ToldToKafka => CLOSED,
        Drive::Paying => PAYING,
        Drive::HalfPeak => EVEN,
        Drive::TenPeaks => TOO_MANY,
    };
    let requests: VecDeque<Request> = requests.take(on_the_clock).collect();
    let sold = prepare(&installation, before, &requests).await?;
    let crowd = Crowd::gather(installation.shop.clone(), installation.gateway, connections).await?;
    let mut sale = Sale { installation, crowd, requests, all: sold, for_, aim: load.aim, drive };
    let run = match drive {
        Drive::Closed => sale.decided().await,
        Drive::Paying => sale.confirmed().await,
        Drive::HalfPeak => sale.outcomes(peak.context("the peak was not measured")?).await,
        Drive::TenPeaks => sale.overload(peak.context("the peak was not measured")?).await,
        Drive::ToldToKafka => sale.told_to_kafka().await,
    }?;
    sale.finish(run).await
}

/// Lets everyone in, and sells what is sold before the clock starts.
async fn prepare(installation: &Installation, before: VecDeque<Request>, later: &VecDeque<Request>) -> anyhow::Result<Vec<Seen>> {
    let mut crowd = Crowd::gather(installation.shop.clone(), installation.gateway, PREPARING).await?;
    let ensure_all_held = |seen: &[Seen], what: &str| {
        let others = seen.iter().filter(|seen| seen.told != Told::Held).count();
        ensure!(others == 0, "{others} of {} could not {what}: {}", seen.len(), installation.shop.unexpected.shown());
        Ok(())
    };
    let everyone = before.iter().chain(later).copied().collect();
    ensure_all_held(&crowd.run(Errand::Greet, Pace::Closed, everyone, PATIENCE).await?, "be greeted")?;
    let sold = crowd.run(Errand::Book, Pace::Closed, before, PATIENCE).await?;
    ensure_all_held(&sold, "be sold before the start")?;
    // What was written until now is not flushed on the clock. Only a superuser may say so; elsewhere it is left to the server.
    let mut db = PgConnection::connect(installation.postgres_url()).await?;
    let _ = sqlx::raw_sql("CHECKPOINT").execute(&mut db).await;
    db.close().await?;
    Ok(sold)
}

#[expect(clippy::disallowed_methods, reason = "a composition root: the clock starts here")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// A sale under way.
struct Sale {
    installation: Installation,
    crowd: Crowd,
    requests: VecDeque<Request>,
    /// What was seen of all requests so far.
    all: Vec<Seen>,
    for_: Duration,
    aim: Aim,
    drive: Drive,
}

impl Sale {
    /// Runs the clock. What is told is kept for the comparison with the database.
    async fn sell(&mut self, errand: Errand, pace: Pace) -> anyhow::Result<Vec<Seen>> {
        let requests = std::mem::take(&mut self.requests);
        let seen = self.crowd.run(errand, pace, requests, self.for_).await?;
        self.all.extend(&seen);
        Ok(seen)
    }

    async fn decided(&mut self) -> anyhow::Result<Run> {
        let seen = self.sell(Errand::Book, Pace::Closed).await?;
        let measured = Measured::new(&seen, self.for_);
        let [held, refused, accepted] =
            [Told::Held, Told::Refused, Told::Accepted].map(|counted| measured.per_second(|told| told == counted));
        let (seats, cores) = (2.0 * held, thread::available_parallelism().map_or(1, NonZeroUsize::get));
        let per_core = seats / crate::rates::count(cores as u64);
        let note = format!(
            "{held:.0}/s held, {refused:.0}/s refused; {accepted:.0}/s told 202 beside {seats:.0} seats/s sold, {per_core:.0} per core of {cores}; {}",
            measured.since_sent(Told::is_decision).summary()
        );
        Ok(self.rate(&measured, Told::is_decision, note))
    }

    async fn confirmed(&mut self) -> anyhow::Result<Run> {
        let seen = self.sell(Errand::BookAndPay, Pace::Closed).await?;
        let measured = Measured::new(&seen, self.for_);
        let note = format!("request → seen confirmed: {}", measured.since_sent(|told| told == Told::Confirmed).summary());
        Ok(self.rate(&measured, |told| told == Told::Confirmed, note))
    }

    async fn outcomes(&mut self, peak: f64) -> anyhow::Result<Run> {
        let offered = peak / 2.0;
        let seen = self.sell(Errand::Book, Pace::Open(offered)).await?;
        let measured = Measured::new(&seen, self.for_);
        let outcomes = measured.since_due(Told::is_decision);
        let note = format!("{offered:.0}/s offered, half of {peak:.0}/s; {}", outcomes.summary());
        let value = outcomes.ms_at(99.0).context("no outcome was seen")?;
        Ok(Run { value, ..self.rate(&measured, Told::is_decision, note) })
    }

    async fn overload(&mut self, peak: f64) -> anyhow::Result<Run> {
        let mut warm_up: VecDeque<Request> = std::mem::take(&mut self.requests);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "requests of one second")]
        let on_the_clock = warm_up.split_off(warm_up.len().min((peak * WARM_UP.as_secs_f64()) as usize));
        let warm = self.crowd.run(Errand::Book, Pace::Open(peak), warm_up, WARM_UP).await?;
        self.all.extend(warm);
        self.requests = on_the_clock;
        let processes = self.installation.loaded_processes()?;
        let (seen, growth) = memory::watch(&processes, self.sell(Errand::Book, Pace::Open(OVERLOAD * peak))).await?;
        let measured = Measured::new(&seen, self.for_);
        let offered = measured.sent_per_second();
        let refusals = measured.since_sent(|told| told.may_come_back() || told == Told::Refused);
        let grown: Vec<String> =
            growth.iter().map(|Growth { name, before, most }| format!("{name} {before} → {most} MiB")).collect();
        let note = format!(
            "{offered:.0}/s offered, {:.1} times the peak; refusals: {}; {}",
            offered / peak,
            refusals.summary(),
            grown.join(", ")
        );
        let mut run = self.rate(&measured, Told::is_decision, note);
        if let Some(ms) = refusals.ms_at(99.0).filter(|ms| *ms > REFUSAL_P99_MAX_MS) {
            run.flaws.push(format!("one of a hundred refusals took longer than {ms:.1} ms (at most {REFUSAL_P99_MAX_MS})"));
        }
        for growth in growth.iter().filter(|growth| growth.share() > GROWTH_MAX) {
            run.flaws.push(format!(
                "the {} grew by {:.0} % (at most {:.0} %)",
                growth.name,
                100.0 * growth.share(),
                100.0 * GROWTH_MAX
            ));
        }
        Ok(run)
    }

    async fn told_to_kafka(&mut self) -> anyhow::Result<Run> {
        let reader = Reader::start(self.installation.kafka()).await?;
        let from = now();
        let seen = self.sell(Errand::Book, Pace::Closed).await?;
        let Lag { behind, missing } = reader.lag(self.installation.postgres_url(), from, from + self.for_).await?;
        let measured = Measured::new(&seen, self.for_);
        let note = format!("{:.0}/s decided; {}", measured.per_second(Told::is_decision), behind.summary());
        let value = behind.ms_at(99.0).context("no domain event was read")?;
        let mut run = Run { value, ..self.rate(&measured, Told::is_decision, note) };
        if missing > 0 {
            run.flaws.push(format!("{missing} domain events did not come to Kafka"));
        }
        Ok(run)
    }

    /// So many per second of what counts, and what should not have been among it.
    fn rate(&self, measured: &Measured<'_>, counts: impl Fn(Told) -> bool + Copy, note: String) -> Run {
        let [refused, accepted] = [Told::Refused, Told::Accepted].map(|told| measured.count(|other| other == told));
        let away = measured.count(Told::may_come_back);
        let flaws = [
            (self.aim == Aim::Free && refused > 0, format!("{refused} were refused, though all seats were free")),
            (self.drive != Drive::TenPeaks && away > 0, format!("{away} were turned away, though there was room")),
            (self.drive == Drive::HalfPeak && accepted > 0, format!("{accepted} had no outcome in the time they waited")),
            (self.crowd.ran_dry, "there were not enough fans for so long a run".to_owned()),
        ];
        let flaws = flaws.into_iter().filter(|(is, _)| *is).map(|(_, flaw)| flaw).collect();
        Run { value: measured.per_second(counts), rates: measured.rates(counts), flaws, note }
    }

    /// Compares with the database, and ends everything.
    async fn finish(self, mut run: Run) -> anyhow::Result<Run> {
        let unexpected = self.all.iter().filter(|seen| seen.told == Told::Unexpected).count();
        if unexpected > 0 {
            run.flaws.push(format!("{unexpected} answers that no one expected: {}", self.installation.shop.unexpected.shown()));
        }
        run.flaws.extend(books::check(self.installation.postgres_url(), &self.all).await?);
        drop(self.crowd);
        self.installation.stop().await?;
        Ok(run)
    }
}

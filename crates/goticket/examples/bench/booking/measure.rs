//! One run of one measurement, on a database of its own.

use std::time::Duration;

use goticket_testkit::{Durability, Stack, TestBed};

use super::{
    distance::Distance,
    feed::{self, Measured},
    http,
    load::{Aim, Load},
    pgbench::{self, Pgbench, Said},
    round_trip,
    rows::{Subject, Unit},
};
use crate::{
    options,
    rates::count,
    series::{Run, Series},
};

/// What all runs share.
pub(crate) struct Bench {
    stack: Stack,
    pgbench: Option<Pgbench>,
    seed: u64,
    seconds: u32,
}

/// Something that is measured: a row's own subject, or what a row is compared to.
pub(crate) struct Measurement {
    pub name: &'static str,
    subject: Subject,
    unit: Unit,
    series: Series,
    errors: Vec<String>,
}

impl Measurement {
    pub(crate) fn new(name: &'static str, subject: Subject, unit: Unit) -> Self {
        Self { name, subject, unit, series: Series::default(), errors: Vec::new() }
    }

    pub(crate) fn value(&self) -> Option<f64> {
        self.series.median()
    }

    /// The run before, as a peak for what is measured after it.
    pub(crate) fn latest(&self) -> Option<f64> {
        self.series.0.last().map(|run| run.value)
    }

    /// The measurement whose latest run says how much there is to be borne.
    pub(crate) fn peak(&self) -> Option<&'static str> {
        self.subject.peak()
    }

    /// What is wrong with it, and what else should be known.
    pub(crate) fn remarks(&self) -> (Vec<String>, Vec<String>) {
        let flaws = self.errors.iter().cloned().chain(self.series.flaws()).collect();
        (flaws, self.series.scatter().into_iter().chain(self.series.note()).collect())
    }
}

impl Bench {
    /// Starts the servers. The comparator is tried where something is compared to it.
    pub(crate) async fn start(options: &options::Booking, measurements: &[Measurement]) -> anyhow::Result<Self> {
        let compares = measurements.iter().any(|measurement| measurement.subject == Subject::Pgbench);
        let program = compares.then(pgbench::program).transpose()?;
        println!("Starting PostgreSQL, Redis, RabbitMQ, Kafka and a mail server …");
        let stack = Stack::start(Durability::Durable).await?;
        let pgbench = match program {
            Some(program) => Some(Pgbench::at_its_best(&stack, program).await?),
            None => None,
        };
        Ok(Self { stack, pgbench, seed: options.seed, seconds: options.common.seconds })
    }

    /// Adds the `n`th run; one that comes to nothing is an error of this measurement, and the others go on.
    pub(crate) async fn measure(&self, measurement: &mut Measurement, n: u32, peak: Option<f64>) {
        let Measurement { name, subject, unit, .. } = measurement;
        match self.run(subject, *unit, peak).await {
            Ok(run) => {
                let steady = run.rates.check().err().map(|unsteady| format!("; {unsteady}")).unwrap_or_default();
                println!("  run {n}  {name:<28} {:>10.1} {}  {}{steady}", run.value, unit.name(), run.note);
                measurement.series.0.push(run);
            }
            Err(error) => {
                println!("  run {n}  {name:<28} failed: {error:#}");
                measurement.errors.push(format!("run {n} failed: {error:#}"));
            }
        }
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stack.stop().await
    }

    async fn run(&self, subject: &Subject, unit: Unit, peak: Option<f64>) -> anyhow::Result<Run> {
        let mut bed = TestBed::in_stack(&self.stack).await?;
        let for_ = Duration::from_secs(self.seconds.into());
        match (subject, &self.pgbench) {
            (Subject::Worker { load, distance }, _) => {
                let _distance = distance.map(|delay| Distance::before(&mut bed.postgres_url, delay)).transpose()?;
                let measured = feed::run(&bed, load, self.seed, for_).await?;
                Ok(of_worker(load, measured, unit))
            }
            (Subject::Http { load, drive }, _) => http::run(bed, load, *drive, peak, self.seed, for_).await,
            (Subject::RoundTrip, _) => round_trip::run(&bed, for_).await,
            (Subject::Pgbench, Some(pgbench)) => Ok(of_pgbench(pgbench.run(&bed, self.seconds).await?, pgbench.clients)),
            (Subject::Pgbench, None) => anyhow::bail!("pgbench was not tried"),
        }
    }
}

fn of_worker(load: &Load, measured: Measured, unit: Unit) -> Run {
    let Measured { rates, elapsed, held, refused } = measured;
    let (decided, seconds) = (count(held + refused), elapsed.as_secs_f64());
    let value = match unit {
        Unit::MicrosecondsEach => seconds * 1e6 / decided,
        _ => decided / seconds,
    };
    let refusals = (load.aim == Aim::Free && refused > 0).then(|| format!("{refused} were refused, though all seats were free"));
    let note = format!("{:.0}/s held, {:.0}/s refused, in {seconds:.1} s", count(held) / seconds, count(refused) / seconds);
    Run { value, rates, flaws: refusals.into_iter().collect(), note }
}

fn of_pgbench(said: Said, clients: u32) -> Run {
    let Said { per_second, rates, done, failed } = said;
    let failures = (failed > 0).then(|| format!("{failed} transactions failed, of {done}"));
    Run { value: per_second, rates, flaws: failures.into_iter().collect(), note: format!("{clients} clients, {failed} failed") }
}

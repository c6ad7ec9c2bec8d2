//! `bench queue`: what waiting rooms bear, and what they cost.
//!
//! A row is a function that measures once, on a database of its own; every run of it starts from there, and measures what it is compared
//! to as well. To add one: a module of its own, and its line in [`rows`].

mod claims;
mod draw;
mod drive;
mod joins;
mod neighbours;
mod own_redis;
mod polls;
mod processor;
mod redis_bytes;
mod refill;
mod rooms;
mod rows;
mod ticks;
mod watchers;
mod world;

use std::time::Duration;

use anyhow::ensure;
use goticket_testkit::{Durability, Stack, TestBed};

use self::rows::Plan;
use crate::{
    options,
    rates::Rates,
    report::{self, Figure, Row},
    series::{Run, Series},
    table::Table,
};

/// What a run is given.
struct Ground {
    bed: TestBed,
    /// Measures for so long.
    for_: Duration,
    /// Fans where a row has a million.
    fans: usize,
}

/// What one run came to.
struct Measured {
    value: f64,
    /// What the row is compared to, where it is.
    limit: Option<f64>,
    /// What must last, and what it is called.
    rates: Vec<(&'static str, Rates)>,
    /// Whatever makes the run worthless.
    flaws: Vec<String>,
    /// What a reader should know beside it.
    note: String,
}

impl Measured {
    fn of(value: f64, note: String) -> Self {
        Self { value, limit: None, rates: Vec::new(), flaws: Vec::new(), note }
    }

    fn against(self, limit: f64) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// What is wrong with it.
    fn all_flaws(&self) -> Vec<String> {
        let unsteady = |(name, rates): &(&str, Rates)| rates.check().err().map(|unsteady| format!("{name}: {unsteady}"));
        self.rates.iter().filter_map(unsteady).chain(self.flaws.iter().cloned()).collect()
    }
}

/// Runs the benchmark; true where every row passes.
pub(crate) async fn run(options: &options::Queue) -> anyhow::Result<bool> {
    let (common, plans) = (&options.common, rows::all());
    for name in &common.only {
        ensure!(plans.iter().any(|row| row.name == name), "there is no row {name:?}; there are {}", rows::names());
    }
    if let Some(file) = &common.report {
        // What was there is not of this run, and a file that cannot be written is better known now.
        report::write(file, &[])?;
    }
    println!("Starting PostgreSQL, Redis, RabbitMQ, Kafka and a mail server …");
    let stack = Stack::start(Durability::Durable).await?;
    let mut rows = Vec::new();
    for plan in plans.iter().filter(|plan| common.only.is_empty() || common.only.iter().any(|name| name == plan.name)) {
        rows.push(measure(plan, &stack, options).await?);
    }
    stack.stop().await?;
    let table = Table(&rows);
    println!("\n{table}");
    if let Some(file) = &common.report {
        report::write(file, &rows)?;
    }
    Ok(table.passes())
}

async fn measure(plan: &Plan, stack: &Stack, options: &options::Queue) -> anyhow::Result<Row> {
    let (mut series, mut limits, mut flaws) = (Series::default(), Series::default(), Vec::new());
    for n in 1..=options.common.runs {
        let bed = TestBed::in_stack(stack).await?;
        let ground = Ground { bed, for_: Duration::from_secs(options.common.seconds.into()), fans: options.fans as usize };
        match (plan.run)(ground).await {
            Ok(measured) => {
                println!("  run {n}  {:<20} {:>10.3} {}  {}", plan.name, measured.value, plan.unit, measured.note);
                flaws.extend(measured.all_flaws().into_iter().map(|flaw| format!("run {n}: {flaw}")));
                let run = |value| Run { value, rates: Rates(Vec::new()), flaws: Vec::new(), note: measured.note.clone() };
                limits.0.extend(measured.limit.map(run));
                series.0.push(run(measured.value));
            }
            Err(error) => {
                println!("  run {n}  {:<20} failed: {error:#}", plan.name);
                flaws.push(format!("run {n} failed: {error:#}"));
            }
        }
    }
    let mut figure = series.median().map(|value| Figure::new(plan.name, value, plan.unit));
    if let (Some(name), Some(limit)) = (plan.limit, limits.median()) {
        figure = figure.map(|figure| figure.against(name, limit));
    }
    let notes = series.scatter().into_iter().chain(series.note()).collect();
    Ok(Row { name: plan.name.to_owned(), figure, bar: plan.bar, flaws, notes })
}

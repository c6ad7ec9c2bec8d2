//! `bench queue`: what waiting rooms cost.
//!
//! A row is a function that measures once, on a database of its own; every run of it starts from there. To add one: a module of its own,
//! and its line in [`ROWS`].

mod rooms;
mod ticks;

use std::time::Duration;

use anyhow::ensure;
use futures::future::BoxFuture;
use goticket_testkit::{Durability, Stack, TestBed};

use crate::{
    options,
    rates::Rates,
    report::{self, Bar, Figure, Row},
    series::{Run, Series},
    table::Table,
};

/// One row of the report.
struct Plan {
    name: &'static str,
    unit: &'static str,
    bar: Option<Bar>,
    /// Measures for so long.
    run: fn(TestBed, Duration) -> BoxFuture<'static, anyhow::Result<Measured>>,
}

/// What one run came to.
struct Measured {
    value: f64,
    /// What a reader should know beside it.
    note: String,
}

const ROWS: [Plan; 1] = [Plan {
    name: "tick_1000_rooms",
    unit: "cores",
    bar: Some(Bar::ValueAtMost(0.15)),
    run: |bed, for_| Box::pin(ticks::run(bed, for_)),
}];

/// Runs the benchmark; true where every row passes.
pub(crate) async fn run(common: &options::Common) -> anyhow::Result<bool> {
    for name in &common.only {
        ensure!(ROWS.iter().any(|row| row.name == name), "there is no row {name:?}");
    }
    if let Some(file) = &common.report {
        // What was there is not of this run, and a file that cannot be written is better known now.
        report::write(file, &[])?;
    }
    println!("Starting PostgreSQL, Redis, RabbitMQ, Kafka and a mail server …");
    let stack = Stack::start(Durability::Durable).await?;
    let mut rows = Vec::new();
    for plan in ROWS.iter().filter(|plan| common.only.is_empty() || common.only.iter().any(|name| name == plan.name)) {
        rows.push(measure(plan, &stack, common).await?);
    }
    stack.stop().await?;
    let table = Table(&rows);
    println!("\n{table}");
    if let Some(file) = &common.report {
        report::write(file, &rows)?;
    }
    Ok(table.passes())
}

async fn measure(plan: &Plan, stack: &Stack, common: &options::Common) -> anyhow::Result<Row> {
    let (mut series, mut flaws) = (Series::default(), Vec::new());
    for n in 1..=common.runs {
        let bed = TestBed::in_stack(stack).await?;
        match (plan.run)(bed, Duration::from_secs(common.seconds.into())).await {
            Ok(Measured { value, note }) => {
                println!("  run {n}  {:<20} {value:>10.3} {}  {note}", plan.name, plan.unit);
                series.0.push(Run { value, rates: Rates(Vec::new()), flaws: Vec::new(), note });
            }
            Err(error) => {
                println!("  run {n}  {:<20} failed: {error:#}", plan.name);
                flaws.push(format!("run {n} failed: {error:#}"));
            }
        }
    }
    let figure = series.median().map(|value| Figure::new(plan.name, value, plan.unit));
    let notes = series.scatter().into_iter().chain(series.note()).collect();
    Ok(Row { name: plan.name.to_owned(), figure, bar: plan.bar, flaws, notes })
}

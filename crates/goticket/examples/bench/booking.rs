//! `bench booking`: bookings decided per second, against one transaction per booking; by one worker, and by a whole installation over
//! HTTP.
//!
//! Every run starts on an empty database of its own, on one set of servers with durable commits. The rows take turns, so that a slow
//! minute of the machine does not fall on one row alone.

mod distance;
mod feed;
mod hall;
mod http;
mod load;
mod measure;
mod pgbench;
mod requests;
mod round_trip;
mod rows;

use self::{
    measure::{Bench, Measurement},
    rows::{Limit, Plan, Subject},
};
use crate::{
    options,
    report::{self, Figure, Row},
    table::Table,
};

/// Runs the benchmark; true where every row passes.
pub(crate) async fn run(options: &options::Booking) -> anyhow::Result<bool> {
    let common = &options.common;
    let plans = rows::chosen(rows::all(common.seconds, options.large_seats), &common.only)?;
    if let Some(file) = &common.report {
        // What was there is not of this run, and a file that cannot be written is better known now.
        report::write(file, &[])?;
    }
    let mut measurements = measurements(&plans);
    let bench = Bench::start(options, &measurements).await?;
    println!("{} rows, {} runs of {} s each, seed {}\n", plans.len(), common.runs, common.seconds, options.seed);
    for n in 1..=common.runs {
        for at in 0..measurements.len() {
            let peak = measurements[at].peak().and_then(|name| find(&measurements, name)).and_then(Measurement::latest);
            bench.measure(&mut measurements[at], n, peak).await;
        }
    }
    bench.stop().await?;
    let rows: Vec<Row> = plans.iter().map(|plan| row(plan, &measurements)).collect();
    let table = Table(&rows);
    println!("\n{table}");
    if let Some(file) = &common.report {
        report::write(file, &rows)?;
    }
    Ok(table.passes())
}

/// What the rows need measured, each beside what it is compared to.
fn measurements(plans: &[Plan]) -> Vec<Measurement> {
    let mut all = Vec::new();
    for plan in plans {
        if let Some(Limit::Load { name, load }) = &plan.limit {
            let subject = Subject::Worker { load: load.clone(), distance: None };
            all.push(Measurement::new(name, subject, plan.unit));
        }
        all.push(Measurement::new(plan.name, plan.subject.clone(), plan.unit));
    }
    all
}

fn find<'a>(measurements: &'a [Measurement], name: &str) -> Option<&'a Measurement> {
    measurements.iter().find(|measurement| measurement.name == name)
}

/// One row of the report, from what was measured.
fn row(plan: &Plan, measurements: &[Measurement]) -> Row {
    let own = find(measurements, plan.name);
    let value = own.and_then(Measurement::value);
    let (mut flaws, mut notes) = own.map(Measurement::remarks).unwrap_or_default();
    let mut figure = value.map(|value| Figure::new(plan.name, value, plan.unit.name()));
    if let Some(limit) = &plan.limit {
        let name = limit.name();
        let measured = find(measurements, name);
        match measured.and_then(Measurement::value) {
            Some(value) => figure = figure.map(|figure| figure.against(name, value)),
            None => flaws.push(format!("{name}, which it is compared to, was not measured")),
        }
        // Another row says for itself what is wrong with it.
        if let (Limit::Load { .. }, Some(measured)) = (limit, measured) {
            let (limit_flaws, limit_notes) = measured.remarks();
            flaws.extend(limit_flaws.into_iter().map(|flaw| format!("{name}, {flaw}")));
            notes.extend(limit_notes.into_iter().map(|note| format!("{name}: {note}")));
        }
    }
    Row { name: plan.name.to_owned(), figure, bar: plan.bar, flaws, notes }
}

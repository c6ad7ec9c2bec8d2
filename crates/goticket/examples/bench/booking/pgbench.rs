//! The comparator: pgbench does naively what the worker does, one transaction per booking, at the concurrency it is best at.
//!
//! `pgbench/schema.sql` is its schema, `pgbench/booking.sql` its one transaction.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context as _, bail, ensure};
use goticket_testkit::{Stack, TestBed};
use sqlx::{Connection as _, PgConnection};
use tokio::process::Command;

use crate::rates::Rates;

/// Names the program; `cargo xtask bench` sets it.
const PROGRAM: &str = "GOTICKET_PGBENCH";

/// Clients that are tried.
const CLIENTS: [u32; 5] = [4, 8, 16, 32, 64];

/// How long each of them is tried.
const TRY_SECONDS: u32 = 3;

/// Threads of pgbench itself.
const THREADS: u32 = 2;

/// Lines of pgbench's own words that an error shows.
const TAIL: usize = 10;

const SCHEMA: &str = include_str!("pgbench/schema.sql");
const SCRIPT: &str = include_str!("pgbench/booking.sql");

/// The program, and how many clients it is best with.
pub(crate) struct Pgbench {
    program: PathBuf,
    pub clients: u32,
}

/// What pgbench said about a run.
#[derive(Debug, PartialEq)]
pub(crate) struct Said {
    /// Transactions per second, over the whole run.
    pub per_second: f64,
    pub rates: Rates,
    pub done: u64,
    /// Transactions that came to nothing, e.g. at a unique constraint.
    pub failed: u64,
}

/// Where pgbench is.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    std::env::var_os(PROGRAM).map(PathBuf::from).with_context(|| {
        format!("{PROGRAM} does not name the program pgbench: `cargo xtask bench booking` installs it and says where it is")
    })
}

impl Pgbench {
    /// Tries each number of clients on an empty database of its own.
    pub(crate) async fn at_its_best(stack: &Stack, program: PathBuf) -> anyhow::Result<Self> {
        let (mut best, mut tried) = ((0.0, CLIENTS[0]), Vec::new());
        for clients in CLIENTS {
            let bed = TestBed::in_stack(stack).await?;
            let said = Self { program: program.clone(), clients }.run(&bed, TRY_SECONDS).await?;
            tried.push(format!("{:.0}/s with {clients}", said.per_second));
            if said.per_second > best.0 {
                best = (said.per_second, clients);
            }
        }
        println!("pgbench: {} clients; best with {}", tried.join(", "), best.1);
        Ok(Self { program, clients: best.1 })
    }

    /// One run on an empty database.
    pub(crate) async fn run(&self, bed: &TestBed, seconds: u32) -> anyhow::Result<Said> {
        let mut db = PgConnection::connect(&bed.postgres_url).await?;
        sqlx::raw_sql(SCHEMA).execute(&mut db).await.context("make pgbench's tables")?;
        // As before the worker's runs.
        let _ = sqlx::raw_sql("CHECKPOINT").execute(&mut db).await;
        let script = bed.objects_dir.join("booking.sql");
        std::fs::write(&script, SCRIPT).with_context(|| format!("cannot write {}", script.display()))?;
        let (clients, threads) = (self.clients.to_string(), THREADS.to_string());
        let output = Command::new(&self.program)
            .args(["--no-vacuum", "--protocol=prepared", "--progress=1", "--define=n=0"])
            .args(["--client", &clients, "--jobs", &threads, "--time", &seconds.to_string()])
            .arg("--file")
            .arg(&script)
            .arg(&bed.postgres_url)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("run {}", self.program.display()))?;
        let text = format!("{}\n{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        if !output.status.success() {
            let lines: Vec<&str> = text.lines().take(TAIL).collect();
            bail!("pgbench ended with {}:\n{}", output.status, lines.join("\n"));
        }
        let said = parse(&text)?;
        let stored: (i64, i64) = sqlx::query_as("SELECT (SELECT count(*) FROM bookings), (SELECT count(*) FROM booking_seats)")
            .fetch_one(&mut db)
            .await?;
        let expected = i64::try_from(said.done)?;
        ensure!(stored == (expected, 2 * expected), "pgbench made {expected} bookings, the database has {stored:?} with seats");
        db.close().await?;
        Ok(said)
    }
}

/// Reads its report, and the progress it told each second.
fn parse(text: &str) -> anyhow::Result<Said> {
    let after = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
    let number = |start: &str| after(start).and_then(|rest| rest.split_whitespace().next());
    let lacks = |what: &'static str| move || format!("pgbench did not say {what}:\n{text}");
    let progress = |line: &str| {
        let (_, rest) = line.strip_prefix("progress: ")?.split_once(" s, ")?;
        rest.split_once(" tps")?.0.parse::<f64>().ok()
    };
    Ok(Said {
        per_second: number("tps = ").and_then(|n| n.parse().ok()).with_context(lacks("its rate"))?,
        rates: Rates(text.lines().filter_map(progress).collect()),
        done: number("number of transactions actually processed: ")
            .and_then(|n| n.parse().ok())
            .with_context(lacks("how many it did"))?,
        failed: number("number of failed transactions: ").and_then(|n| n.parse().ok()).with_context(lacks("how many failed"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
pgbench (15.18 (Debian 15.18-0+deb12u1), server 18.1)
progress: 1.0 s, 5732.9 tps, lat 2.284 ms stddev 1.971, 0 failed
progress: 2.0 s, 5841.0 tps, lat 2.169 ms stddev 1.657, 0 failed
transaction type: booking.sql
number of clients: 16
duration: 2 s
number of transactions actually processed: 11573
number of failed transactions: 3 (0.026%)
latency average = 2.1 ms
initial connection time = 9.187 ms
tps = 5786.506769 (without initial connection time)
";

    #[test]
    fn its_report_is_read() {
        let expected = Said { per_second: 5_786.506_769, rates: Rates(vec![5_732.9, 5_841.0]), done: 11_573, failed: 3 };
        assert_eq!(parse(SAID).unwrap(), expected);
    }

    #[test]
    fn a_report_that_lacks_something_is_an_error() {
        for line in SAID.lines().filter(|line| line.contains("tps =") || line.contains("number of ") && !line.contains("clients"))
        {
            let error = parse(&SAID.replace(line, "")).unwrap_err().to_string();
            assert!(error.starts_with("pgbench did not say"), "{error}");
        }
    }
}

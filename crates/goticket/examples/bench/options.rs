//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Measure GoTicket on this machine.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub benchmark: Benchmark,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Benchmark {
    /// The booking pipeline, against one transaction per booking by pgbench.
    Booking(Booking),
    /// The waiting rooms, against a handler that does nothing.
    Queue(Queue),
    /// That handler: what `queue` starts beside itself.
    #[command(hide = true)]
    Bare(Bare),
}

/// What every benchmark can be told.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Write the figures as JSON, too.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// How long each run measures.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=600))]
    pub seconds: u32,
    /// Runs of each row; its value is their median.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub runs: u32,
    /// Only these rows, and what they are compared to.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub only: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Booking {
    #[command(flatten)]
    pub common: Common,
    /// Seed of who asks for which seats: the same seed, the same requests.
    #[arg(long, default_value_t = 2_026)]
    pub seed: u64,
    /// Seats of the large event of `size_growth`.
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u32).range(10_000..=5_000_000))]
    pub large_seats: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Queue {
    #[command(flatten)]
    pub common: Common,
    /// Fans of the rows that have a million of them; the other rows' are in proportion. Figures of another number are not comparable.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(10_000..=4_000_000))]
    pub fans: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Bare {
    /// Bytes of each answer.
    #[arg(long)]
    pub body_bytes: usize,
}

//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Rehearse an onsale on this machine.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one onsale from the lobby to the audit.
    Demo(Demo),
    /// Keep the stack and a seeded event running.
    Up(Up),
}

/// The venue.
#[derive(Debug, Clone, Args)]
pub(crate) struct Venue {
    /// A seating plan in the pretix format; the Old Exchange Theatre without it.
    #[arg(long, conflicts_with = "seats")]
    pub plan: Option<PathBuf>,
    /// A generated arena with so many seats instead.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub seats: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    #[command(flatten)]
    pub venue: Venue,
    /// Distinct accounts that want in.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub fans: u32,
    /// Admissions per minute; without it, everyone would be inside after a minute.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=600_000))]
    pub rate_per_min: Option<u32>,
    /// Seed of the fans' decisions: the same seed, the same wishes.
    #[arg(long, default_value_t = 2_026)]
    pub seed: u64,
    /// Do not kill the booking worker half-way.
    #[arg(long)]
    pub no_kill: bool,
    /// Write the report as JSON, too.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub venue: Venue,
}

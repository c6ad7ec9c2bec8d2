//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::faults::{Kind, Named};

/// A sale of real HTTP clients while everything goes wrong; then recovery, every key once more, and the judges.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// How long the sale lasts, faults included.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=86_400))]
    pub seconds: u64,
    /// The same seed, the same faults at the same times, and fans who draw the same.
    #[arg(long, default_value_t = 2_026)]
    pub seed: u64,
    /// Only these faults, by name or first word (`kill,stop-worker,cut`); all without it.
    #[arg(long, value_delimiter = ',')]
    pub faults: Vec<Named>,
    /// Print the planned faults and end.
    #[arg(long)]
    pub plan: bool,
    /// Write what every client asked and was told, one line of JSON per attempt (docs/CHAOS.md).
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Judge a history that was written before, and end. How much it must hold depends on `--seconds`, as ever.
    #[arg(long, value_name = "FILE", conflicts_with = "history")]
    pub judge: Option<PathBuf>,
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub fans: u32,
    /// Events on sale at once.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub events: u32,
    /// Bookings that must have been held; twice the seconds without it.
    #[arg(long)]
    pub min_held: Option<u64>,
    /// Faults that must have been seen to happen; two thirds of the planned ones without it.
    #[arg(long)]
    pub min_faults: Option<u64>,
    /// Keys that must have been sent again in the end; three times the seconds without it.
    #[arg(long)]
    pub min_keys: Option<u64>,
    /// Seats that must have had two holders one after the other; a quarter of the seconds without it.
    #[arg(long)]
    pub min_handovers: Option<u64>,
}

impl Options {
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        if self.faults.is_empty() {
            return Kind::all();
        }
        let mut kinds: Vec<Kind> = Vec::new();
        for kind in self.faults.iter().flat_map(|named| &named.0) {
            if !kinds.contains(kind) {
                kinds.push(*kind);
            }
        }
        kinds
    }

    /// What repeats the faults of this run.
    pub(crate) fn faults_again(&self) -> String {
        let names: Vec<String> = self.kinds().iter().map(Kind::to_string).collect();
        let faults = if self.faults.is_empty() { String::new() } else { format!(" --faults {}", names.join(",")) };
        format!("--seconds {} --seed {}{faults}", self.seconds, self.seed)
    }

    pub(crate) fn least_held(&self) -> u64 {
        self.min_held.unwrap_or(2 * self.seconds)
    }

    pub(crate) fn least_faults(&self, planned: usize) -> u64 {
        self.min_faults.unwrap_or((planned as u64 * 2).div_ceil(3))
    }

    pub(crate) fn least_keys(&self) -> u64 {
        self.min_keys.unwrap_or(3 * self.seconds)
    }

    pub(crate) fn least_handovers(&self) -> u64 {
        self.min_handovers.unwrap_or(self.seconds / 4)
    }
}

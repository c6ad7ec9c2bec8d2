//! `goticket simulate`: a sale rehearsed before it is one.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use goticket_simulate::{Fault, Report, Scenario};

use crate::cli::SimulateArgs;

pub(super) fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let report = goticket_simulate::run(&scenario(args)?)?;
    if let Some(file) = &args.json {
        write(file, &format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    }
    if let Some(file) = &args.svg {
        write(file, &goticket_simulate::svg(&report)?)?;
    }
    super::print(&tell(&report))?;
    Ok(if report.verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn scenario(args: &SimulateArgs) -> anyhow::Result<Scenario> {
    let mut scenario = match &args.scenario {
        None => Scenario::default(),
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            Scenario::parse(&text).with_context(|| format!("{} is no scenario", file.display()))?
        }
    };
    let room = &mut scenario.room;
    if args.rate_per_min.is_some() {
        room.auto = None;
    }
    room.auto = args.auto.or(room.auto);
    let settings = [
        (args.rate_per_min, &mut room.rate_per_min),
        (args.burst, &mut room.burst),
        (args.active_cap, &mut room.active_cap),
        (args.claim_window_s, &mut room.claim_window_s),
        (args.session_s, &mut room.session_s),
        (args.fans, &mut scenario.fans),
    ];
    for (option, setting) in settings {
        *setting = option.unwrap_or(*setting);
    }
    scenario.no_show_share = args.no_show_share.unwrap_or(scenario.no_show_share);
    scenario.seats = args.seats.or(scenario.seats);
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    scenario.faults.extend(Fault::plan(scenario.seed, args.faults, args.faults_within_s));
    scenario.faults.sort_by_key(|fault| fault.at_s);
    Ok(scenario)
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn tell(report: &Report) -> String {
    match peak_memory_mib() {
        Some(mib) => format!("{report}{mib} MiB of memory were used.\n"),
        None => report.to_string(),
    }
}

/// The most memory this process ever had, where the system tells.
fn peak_memory_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib / 1_024)
}

//! `goticket venue …`

use std::process::ExitCode;

use anyhow::Context as _;
use goticket_domain::seating::{SeatingPlan, generate_arena};

use crate::cli::VenueCommand;

pub(super) fn run(command: VenueCommand) -> anyhow::Result<ExitCode> {
    match command {
        VenueCommand::Generate { seats } => super::print(&format!("{}\n", generate_arena(seats)))?,
        VenueCommand::Check { file } => {
            let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            super::print(&describe(&SeatingPlan::from_json(&bytes)?))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(plan: &SeatingPlan) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{}\n", plan.name);
    let seats = || plan.sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.seats);
    for (no, category) in plan.categories.iter().enumerate() {
        let count = seats().filter(|seat| seat.category == no).count();
        let _ = writeln!(text, "{count:>8}  {}", category.name);
    }
    for section in &plan.sections {
        let count: usize = section.rows.iter().map(|row| row.seats.len()).sum();
        let _ = writeln!(text, "{count:>8}  in {} ({} rows)", section.name, section.rows.len());
    }
    let _ = writeln!(text, "{:>8}  seats", seats().count());
    text
}

//! `goticket ops`: a waiting room from the shell of someone who may read the deployment's settings. Works without a gateway.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use goticket_admission::WaitingRoomService;
use goticket_domain::{AccountId, EventId};
use goticket_domain::identity::{EmailAddress, Role};
use goticket_domain::queue::{ControlChange, LogEntry, RoomControl, WaitingRoom as _};
use goticket_storage::accounts;
use sqlx::PgPool;

use super::verify_log;
use crate::cli::OpsArgs;

/// Entries read at once.
const LOG_PAGE: u32 = 500;

pub(super) async fn run(file: Option<&Path>, args: OpsArgs) -> anyhow::Result<ExitCode> {
    let config: goticket_admission::Config = super::load(file)?;
    let deps = goticket_admission::connect(&config).await?;
    let pool = deps.pool.clone();
    // Not started: the commands of a shell do not tick.
    let room = WaitingRoomService::new(&config.admission, deps);
    let event = args.event;
    let control = match change(&args) {
        None => room.control(event).await?,
        Some(change) => {
            let email = args.actor.as_deref().context("--as EMAIL is needed for a change: it is written to the log")?;
            if change.reason.trim().is_empty() {
                bail!("--reason is needed for a change: it is written to the log");
            }
            room.set_control(event, change, admin(&pool, email).await?).await?
        }
    };
    super::print(&describe(&control))?;
    if args.log > 0 {
        for entry in room.log(event, None, args.log).await? {
            super::print(&line(&entry))?;
        }
    }
    if args.verify { verify(&room, event).await } else { Ok(ExitCode::SUCCESS) }
}

/// The board is read first: entries that come later belong to the log too.
async fn verify(room: &WaitingRoomService, event: EventId) -> anyhow::Result<ExitCode> {
    let board = room.last_board(event).await?.context("no board of this room is shown: there is nothing to compare the log with")?;
    let mut entries: Vec<LogEntry> = Vec::new();
    loop {
        let page = room.log(event, entries.last().map(|oldest| oldest.number), LOG_PAGE).await?;
        if page.is_empty() {
            break;
        }
        entries.extend(page);
    }
    entries.reverse();
    verify_log::report(event, &entries, &board.board.control_log)
}

fn change(args: &OpsArgs) -> Option<ControlChange> {
    let nothing = ControlChange { reason: args.reason.clone(), if_revision: args.if_revision, ..ControlChange::default() };
    let change = ControlChange {
        state: args.state,
        rate_per_min: args.rate_per_min,
        burst: args.burst,
        active_cap: args.active_cap,
        selling: args.selling,
        message: args.message.clone(),
        ..nothing.clone()
    };
    (change != nothing).then_some(change)
}

async fn admin(pool: &PgPool, email: &str) -> anyhow::Result<AccountId> {
    let address = EmailAddress::parse(email).with_context(|| format!("--as {email}"))?;
    let known = accounts::credentials(pool, &address).await?.with_context(|| format!("there is no account {email}"))?;
    let account = known.account;
    anyhow::ensure!(account.role == Role::Admin, "{email} is no admin");
    Ok(account.id)
}

fn describe(control: &RoomControl) -> String {
    let settings = &control.settings;
    let mut text = String::new();
    let _ = writeln!(text, "revision  {}", control.revision);
    let _ = writeln!(text, "state     {}", control.state.as_str());
    let _ = writeln!(
        text,
        "line      {} waiting, {} admitted so far, {} inside of at most {}",
        control.waiting, control.admitted, control.active, settings.active_cap
    );
    let _ = writeln!(text, "rate      {} per minute, at most {} at once", settings.rate_per_min, settings.burst);
    let _ = writeln!(text, "windows   {} s to claim, {} s of session", settings.claim_window_s, settings.session_s);
    let _ = writeln!(text, "buying    {}", if settings.selling { "goes on" } else { "is stopped" });
    let _ = writeln!(text, "message   {}", if settings.message.is_empty() { "–" } else { &settings.message });
    text
}

fn line(entry: &LogEntry) -> String {
    let actor = entry.actor.map_or("schedule".to_owned(), |actor| actor.to_string());
    format!("{:>5}  {}  {actor}  {}  {:?}\n", entry.number, entry.at, entry.change, entry.reason)
}

//! `goticket ops`: a waiting room from the shell of someone who may read the deployment's settings. Works without a gateway.

mod codes;

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use goticket_admission::WaitingRoomService;
use goticket_domain::identity::{Assurance, EmailAddress, Role};
use goticket_domain::queue::{
    AutoLimits, CodeRule, ControlChange, Drain, EntryChange, EntryRules, EtaRange, Health, HeldUp, LogEntry, RoomControl,
    WaitingRoom as _, WhatIf,
};
use goticket_domain::{AccountId, EventId};
use goticket_storage::accounts;
use sqlx::PgPool;

use super::verify_log;
use crate::cli::{EntryKind, OpsArgs};

/// Instead of a pipeline's health.
const SILENT: &str = "not heard of for ten seconds: an automatic rate does not rise";

/// Entries read at once.
const LOG_PAGE: u32 = 500;

pub(super) async fn run(file: Option<&Path>, args: OpsArgs) -> anyhow::Result<ExitCode> {
    let config: goticket_admission::Config = super::load(file)?;
    let deps = goticket_admission::connect(&config).await?;
    let pool = deps.pool.clone();
    // Not started: the commands of a shell do not tick.
    let room = WaitingRoomService::new(&config.admission, deps);
    let event = args.event;
    if codes::run(&room, &pool, &args).await? {
        return Ok(ExitCode::SUCCESS);
    }
    let control = match change(&args)? {
        Some(change) if args.what_if => {
            super::print(&foresight(&room.what_if(event, change).await?))?;
            return Ok(ExitCode::SUCCESS);
        }
        None if args.what_if => bail!("--what-if needs a change to tell the effect of"),
        None => room.control(event).await?,
        Some(change) => {
            let actor = actor(&pool, &args).await?;
            room.set_control(event, change, actor).await?
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
    let board =
        room.last_board(event).await?.context("no board of this room is shown: there is nothing to compare the log with")?;
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

/// Who acts; the reason is there, too.
async fn actor(pool: &PgPool, args: &OpsArgs) -> anyhow::Result<AccountId> {
    let email = args.actor.as_deref().context("--as EMAIL is needed for a change: it is written to the log")?;
    if args.reason.trim().is_empty() {
        bail!("--reason is needed for a change: it is written to the log");
    }
    admin(pool, email).await
}

fn change(args: &OpsArgs) -> anyhow::Result<Option<ControlChange>> {
    let code = match (args.entry, args.code_until) {
        (Some(EntryKind::Open), Some(_)) => bail!("--code-until belongs to --entry code"),
        (Some(EntryKind::Open), None) => Some(CodeRule::Open),
        (Some(EntryKind::Code), until) => Some(CodeRule::Code { until }),
        (None, _) => None,
    };
    let nothing = ControlChange { reason: args.reason.clone(), if_revision: args.if_revision, ..ControlChange::default() };
    let change = ControlChange {
        state: args.state,
        rate_per_min: args.rate_per_min,
        auto: args.auto,
        burst: args.burst,
        active_cap: args.active_cap,
        selling: args.selling,
        message: args.message.clone(),
        close_when_sold_out: args.close_when_sold_out,
        mode: args.mode,
        open_below: args.open_below,
        when_down: args.when_down,
        entry: EntryChange { proof_of_work: args.proof_of_work, code, identity: args.identity, groups: args.groups },
        ..nothing.clone()
    };
    Ok((change != nothing).then_some(change))
}

async fn admin(pool: &PgPool, email: &str) -> anyhow::Result<AccountId> {
    let address = EmailAddress::parse(email).with_context(|| format!("--as {email}"))?;
    let known = accounts::credentials(pool, &address).await?.with_context(|| format!("there is no account {email}"))?;
    anyhow::ensure!(!known.disabled, "{email} is disabled");
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
    let rate = match settings.auto {
        None => String::new(),
        Some(AutoLimits { low_per_min, high_per_min }) => format!(" by the pipeline, between {low_per_min} and {high_per_min}"),
    };
    let (in_force, burst) = (control.rate_in_force_per_min, settings.burst);
    let _ = writeln!(text, "rate      {in_force} per minute{rate}, at most {burst} at once");
    let _ = writeln!(text, "held up   {}", control.held_up_by.map_or("by nothing", HeldUp::as_str));
    let _ = writeln!(text, "pipeline  {}", control.pipeline.map_or_else(|| SILENT.to_owned(), pipeline));
    let _ = writeln!(text, "windows   {} s to claim, {} s of session", settings.claim_window_s, settings.session_s);
    let _ = writeln!(text, "buying    {}", if settings.selling { "goes on" } else { "is stopped" });
    let _ = writeln!(text, "sold out  {}", if settings.close_when_sold_out { "closes the room" } else { "leaves the room open" });
    let waiting = control.would_wait.map_or(String::new(), |fans| format!(": everyone is let in, {fans} would wait"));
    let _ = writeln!(text, "mode      {}{waiting}", settings.mode.as_str());
    let at_once = settings.open_below.map_or_else(|| "never".to_owned(), |joins| format!("below {joins} joins per minute"));
    let _ = writeln!(text, "at once   {at_once}");
    let _ = writeln!(text, "when down {}", settings.when_down.as_str());
    let _ = writeln!(text, "joining   {}", entry(settings.entry));
    let _ = writeln!(text, "message   {}", if settings.message.is_empty() { "–" } else { &settings.message });
    text
}

fn entry(rules: EntryRules) -> String {
    let account = match rules.identity {
        Assurance::Account => "an account",
        Assurance::VerifiedEmail => "a verified address, one place a person",
    };
    let mut asks = vec![account.to_owned()];
    match rules.code {
        CodeRule::Open => {}
        CodeRule::Code { until: None } => asks.push("a code".to_owned()),
        CodeRule::Code { until: Some(until) } => asks.push(format!("a code until {until}")),
    }
    match rules.proof_of_work {
        0 => {}
        cost => asks.push(format!("a proof of work of up to {cost} hashes")),
    }
    let groups = match rules.groups {
        0 => String::new(),
        largest => format!("; groups of at most {largest} in one place"),
    };
    format!("takes {}{groups}", asks.join(", "))
}

fn foresight(told: &WhatIf) -> String {
    let WhatIf { change, waiting, now, then } = told;
    format!("change    {change}, not made\nwaiting   {waiting}\ndrains    {} → {}\n", drain(*now), drain(*then))
}

fn drain(drain: Drain) -> String {
    match drain {
        Drain::Empty => "no one waits".to_owned(),
        Drain::Never => "never".to_owned(),
        Drain::Within(EtaRange { from_s, to_s }) => format!("in {} to {}", minutes(from_s), minutes(to_s)),
    }
}

fn minutes(seconds: u64) -> String {
    format!("{}:{:02} min", seconds / 60, seconds % 60)
}

fn pipeline(health: Health) -> String {
    let Health { queue_age_ms, commit_ms, errors_per_million } = health;
    let failed = f64::from(errors_per_million) / 10_000.0;
    format!("oldest request {queue_age_ms} ms, commits {commit_ms} ms, {failed} % failed")
}

fn line(entry: &LogEntry) -> String {
    let actor = entry.actor.map_or("schedule".to_owned(), |actor| actor.to_string());
    format!("{:>5}  {}  {actor}  {}  {:?}\n", entry.number, entry.at, entry.change, entry.reason)
}

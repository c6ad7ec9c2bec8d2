//! Codes of a waiting room, from the shell.

use std::fmt::Write as _;

use anyhow::Context as _;
use goticket_admission::WaitingRoomService;
use goticket_domain::queue::WaitingRoom as _;
use goticket_domain::queue::entry_rules::{CodeBatch, CodeBatchState, CodeState, NewCodes};
use sqlx::PgPool;

use super::actor;
use crate::cli::OpsArgs;
use crate::commands::print;

/// Does what is asked of codes; false where nothing is.
pub(super) async fn run(room: &WaitingRoomService, pool: &PgPool, args: &OpsArgs) -> anyhow::Result<bool> {
    let (event, asked) = (args.event, &args.codes);
    if let Some(codes) = asked.make_codes {
        let valid_until = asked.valid_until.context("--valid-until is needed: codes are good until some time")?;
        let (kind, uses, valid_from, reason) = (asked.kind, asked.uses, asked.valid_from, args.reason.clone());
        let new = NewCodes { kind, codes, uses, valid_from, valid_until, reason };
        let made = room.make_codes(event, new, actor(pool, args).await?).await?;
        let mut text = made.codes.join("\n");
        text.push('\n');
        print(&text)?;
    } else if let Some(code) = &asked.revoke_code {
        let state = room.revoke_code(event, code, actor(pool, args).await?, &args.reason).await?;
        print(&describe(&state))?;
    } else if let Some(code) = &asked.code {
        print(&describe(&room.code(event, code).await?))?;
    } else if asked.codes {
        let mut text = String::new();
        for state in room.code_batches(event).await? {
            let CodeBatchState { batch, made_at, used, revoked } = state;
            let _ = writeln!(text, "{}, made {made_at}: used {used} times, {revoked} revoked", what(&batch));
        }
        print(&text)?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn what(batch: &CodeBatch) -> String {
    let CodeBatch { number, kind, codes, uses, valid_from, valid_until } = batch;
    let kind = kind.as_str();
    format!("batch {number}: {codes} {kind} codes for {uses} accounts each, {valid_from} to {valid_until}")
}

fn describe(state: &CodeState) -> String {
    let CodeState { batch, number, used, revoked_at } = state;
    let revoked = revoked_at.map(|at| format!(", revoked {at}")).unwrap_or_default();
    format!("number {number} of {}\nused {used} times{revoked}\n", what(batch))
}

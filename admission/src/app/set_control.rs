//! Operators' changes: checked by the domain, logged, durable, and then in force.
//!
//! Opening a lobby early needs its draw, which may take longer than a caller waits, and must not stop half-way where the caller stops waiting.
//! So the operator only moves the start of the sale to now; the draw is the schedule's, as at any other start.

use std::time::Duration;

use goticket_domain::queue::{AtOnce, AutoChange, ControlChange, QueueError, RoomControl, RoomSettings, RoomState};
use goticket_domain::{AccountId, EventId};
use goticket_storage::queue_groups;
use goticket_storage::rooms::{self, Room};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::log_chain::{self, Change};
use super::{WaitingRoomService, sql_failed, storage_failed};

/// Longest reason in the log, in characters.
const MAX_REASON_CHARS: usize = 500;

/// How long an operator waits for the draw of a lobby that they open: within the gateway's patience for a call. A longer draw is
/// finished by the schedule.
const DRAW_WAIT: Duration = Duration::from_millis(1_500);
/// Between two looks at a draw that the room's owner makes.
const DRAW_LOOK: Duration = Duration::from_millis(50);

impl WaitingRoomService {
    /// Everything or nothing, in one transaction; every tick reads it. A lobby that is opened early is shown as such until its order
    /// is drawn. Whoever names the revision they decided with changes nothing else: under the room's lock it is the latest.
    pub(super) async fn change_control(
        &self,
        event: EventId,
        change: ControlChange,
        actor: AccountId,
    ) -> Result<RoomControl, QueueError> {
        check_reason(&change.reason)?;
        self.room(event).await?;
        let mut tx = self.pool.begin().await.map_err(sql_failed)?;
        let room = rooms::lock(&mut tx, event).await.map_err(storage_failed)?.ok_or(QueueError::UnknownEvent)?;
        if change.if_revision.is_some_and(|seen| seen != room.revision) {
            return Err(QueueError::ControlChanged);
        }
        let (state, settings) = apply(&room, &change)?;
        check_groups(&mut tx, &room, &settings).await?;
        let opens_lobby = (room.state, state) == (RoomState::Lobby, RoomState::Open);
        let state = if opens_lobby { RoomState::Lobby } else { state };
        let mut what = difference(&room, state, &settings);
        if opens_lobby && room.due.is_none() {
            let now = rooms::start_sale(&mut tx, event).await.map_err(storage_failed)?;
            what.insert("onsale_at".to_owned(), json!([room.onsale_at, now]));
        }
        if what.is_empty() {
            drop(tx);
        } else {
            let entry = Change { actor: Some(actor), what: Value::Object(what), reason: &change.reason };
            rooms::save_control(&mut tx, event, state, &settings).await.map_err(storage_failed)?;
            if room.settings.auto.is_some() != settings.auto.is_some() {
                rooms::forget_rate(&mut tx, event).await.map_err(storage_failed)?;
            }
            log_chain::append(&mut tx, event, entry).await.map_err(storage_failed)?;
            tx.commit().await.map_err(sql_failed)?;
            tracing::info!(%event, %actor, state = state.as_str(), reason = change.reason, "an operator changed the room");
        }
        if opens_lobby {
            self.await_draw(event).await;
        }
        let known = self.reread(event).await?;
        Ok(self.show(&known).await)
    }

    /// Makes the draw of a lobby whose sale has started, or waits for the owner that makes it. Where it takes too long, fails or is
    /// given up, the schedule makes it.
    async fn await_draw(&self, event: EventId) {
        let drawn = async {
            loop {
                self.take_due_step(event).await?;
                if self.reread(event).await?.room.state != RoomState::Lobby {
                    return Ok::<_, QueueError>(());
                }
                tokio::time::sleep(DRAW_LOOK).await;
            }
        };
        match tokio::time::timeout(DRAW_WAIT, drawn).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%event, %error, "the early draw did not succeed: the schedule will try again"),
            Err(_) => tracing::info!(%event, "the early draw takes long: the schedule makes it"),
        }
    }
}

pub(super) fn check_reason(reason: &str) -> Result<(), QueueError> {
    if reason.chars().count() > MAX_REASON_CHARS || reason.chars().any(char::is_control) {
        let problem = format!("allowed is one line of at most {MAX_REASON_CHARS} characters");
        return Err(QueueError::BadControl { field: "reason".to_owned(), problem });
    }
    Ok(())
}

/// What the room becomes.
pub(super) fn apply(room: &Room, change: &ControlChange) -> Result<(RoomState, RoomSettings), QueueError> {
    let state = change.state.unwrap_or(room.state);
    if state != room.state && !room.state.may_become(state) {
        let next: Vec<&str> = RoomState::ALL.into_iter().filter(|s| room.state.may_become(*s)).map(RoomState::as_str).collect();
        let allowed = if next.is_empty() { "nothing".to_owned() } else { next.join(", ") };
        let problem = format!("the room is {} and may become {allowed}, not {}", room.state.as_str(), state.as_str());
        return Err(QueueError::BadControl { field: "state".to_owned(), problem });
    }
    let now = &room.settings;
    let settings = RoomSettings {
        rate_per_min: change.rate_per_min.unwrap_or(now.rate_per_min),
        auto: match change.auto {
            Some(AutoChange::Between(limits)) => Some(limits),
            Some(AutoChange::Off) => None,
            // Whoever sets a rate means it.
            None => now.auto.filter(|_| change.rate_per_min.is_none()),
        },
        burst: change.burst.unwrap_or(now.burst),
        active_cap: change.active_cap.unwrap_or(now.active_cap),
        claim_window_s: change.claim_window_s.unwrap_or(now.claim_window_s),
        session_s: change.session_s.unwrap_or(now.session_s),
        selling: change.selling.unwrap_or(now.selling),
        message: change.message.clone().unwrap_or_else(|| now.message.clone()),
        close_when_sold_out: change.close_when_sold_out.unwrap_or(now.close_when_sold_out),
        mode: change.mode.unwrap_or(now.mode),
        open_below: change.open_below.map_or(now.open_below, AtOnce::joins),
        when_down: change.when_down.unwrap_or(now.when_down),
        entry: now.entry.after(change.entry),
    };
    if settings.entry.groups != now.entry.groups && room.state != RoomState::Scheduled {
        // Replicas that know the lobby know whether it has groups: none of them may learn of it later than another one.
        let problem = "it is set before the lobby opens".to_owned();
        return Err(QueueError::BadControl { field: "groups".to_owned(), problem });
    }
    settings.check().map_err(|error| QueueError::BadControl {
        field: error.field.to_owned(),
        problem: format!("it is {}, allowed is {}", error.value, error.allowed),
    })?;
    Ok((state, settings))
}

/// Who leads a group books for all of it: it is no larger than one account's seats.
pub(super) async fn check_groups(db: &mut PgConnection, room: &Room, settings: &RoomSettings) -> Result<(), QueueError> {
    let groups = settings.entry.groups;
    if groups == room.settings.entry.groups || groups == 0 {
        return Ok(());
    }
    let seats = queue_groups::seats_of_account(db, room.event).await.map_err(storage_failed)?;
    if u32::from(groups) > seats {
        let problem = format!("it is {groups}, allowed is at most {seats}: the seats that an account may have of this event");
        return Err(QueueError::BadControl { field: "groups".to_owned(), problem });
    }
    Ok(())
}

/// For the log: `{"field": [before, after], …}`.
pub(super) fn difference(room: &Room, state: RoomState, settings: &RoomSettings) -> Map<String, Value> {
    let now = &room.settings;
    let fields = [
        ("state", json!(room.state), json!(state)),
        ("rate_per_min", json!(now.rate_per_min), json!(settings.rate_per_min)),
        ("auto", json!(now.auto), json!(settings.auto)),
        ("burst", json!(now.burst), json!(settings.burst)),
        ("active_cap", json!(now.active_cap), json!(settings.active_cap)),
        ("claim_window_s", json!(now.claim_window_s), json!(settings.claim_window_s)),
        ("session_s", json!(now.session_s), json!(settings.session_s)),
        ("selling", json!(now.selling), json!(settings.selling)),
        ("message", json!(now.message), json!(settings.message)),
        ("close_when_sold_out", json!(now.close_when_sold_out), json!(settings.close_when_sold_out)),
        ("mode", json!(now.mode), json!(settings.mode)),
        ("open_below", json!(now.open_below), json!(settings.open_below)),
        ("when_down", json!(now.when_down), json!(settings.when_down)),
        ("proof_of_work", json!(now.entry.proof_of_work), json!(settings.entry.proof_of_work)),
        ("entry", json!(now.entry.code), json!(settings.entry.code)),
        ("identity", json!(now.entry.identity), json!(settings.entry.identity)),
        ("groups", json!(now.entry.groups), json!(settings.entry.groups)),
    ];
    let changed = fields.into_iter().filter(|(_, before, after)| before != after);
    changed.map(|(field, before, after)| (field.to_owned(), json!([before, after]))).collect()
}

//! An organizer corrects an event: everything but its places and prices while it is a draft, only its title afterwards, because the
//! waiting room runs by the published schedule.

use goticket_domain::EventId;
use goticket_domain::catalog::EventStatus;
use goticket_domain::policy::{Action, Subject};
use goticket_storage::events;
pub(crate) use goticket_storage::events::Change;

use crate::app::catalog::{Event, EventError};
use crate::app::create_event::{Wrong, check_limits, check_schedule, check_title};
use crate::fault::Fault;
use crate::services::Services;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeEventError {
    #[error("the change cannot be carried out as it is")]
    Invalid(Vec<Wrong>),
    /// Published or closed since: these may not change any more.
    #[error("the event is published")]
    NotADraft(Vec<Wrong>),
    #[error(transparent)]
    Event(#[from] EventError),
}

impl From<Fault> for ChangeEventError {
    fn from(fault: Fault) -> Self {
        Self::Event(fault.into())
    }
}

pub(crate) async fn change_event(
    app: &Services,
    subject: &Subject,
    id: EventId,
    change: Change,
) -> Result<Event, ChangeEventError> {
    app.catalog.forget(id).await;
    let event = app.catalog.access(subject, Action::ChangeEvent, id).await?;
    let sealed = beyond_title(&change);
    if event.status != EventStatus::Draft && !sealed.is_empty() {
        return Err(ChangeEventError::NotADraft(sealed));
    }
    let wrong = check(&event, &change, app.now());
    if !wrong.is_empty() {
        return Err(ChangeEventError::Invalid(wrong));
    }
    let changed = events::update(&app.pool, id, event.status, &change).await.map_err(Fault::from)?;
    app.catalog.forget(id).await;
    if !changed {
        return Err(ChangeEventError::NotADraft(sealed));
    }
    let event = events::find(&app.pool, id).await.map_err(Fault::from)?;
    Ok(event.ok_or(EventError::NotFound)?)
}

/// The fields that publishing seals.
fn beyond_title(change: &Change) -> Vec<Wrong> {
    let Change { title: _, starts_at, lobby_opens_at, onsale_at, hold_seconds, ticket_limit } = change;
    let sent = [
        ("/starts_at", starts_at.is_some()),
        ("/lobby_opens_at", lobby_opens_at.is_some()),
        ("/onsale_at", onsale_at.is_some()),
        ("/hold_seconds", hold_seconds.is_some()),
        ("/ticket_limit", ticket_limit.is_some()),
    ];
    let sent = sent.into_iter().filter(|(_, sent)| *sent);
    sent.map(|(pointer, _)| Wrong::at(pointer, "cannot be changed once the event is published: leave it out")).collect()
}

/// The event as it would be.
fn check(event: &Event, change: &Change, now: jiff::Timestamp) -> Vec<Wrong> {
    let mut wrong: Vec<Wrong> = change.title.as_deref().and_then(check_title).into_iter().collect();
    if change.starts_at.or(change.lobby_opens_at).or(change.onsale_at).is_some() {
        let starts = change.starts_at.unwrap_or(event.starts_at);
        let lobby = change.lobby_opens_at.unwrap_or(event.lobby_opens_at);
        let found = check_schedule(starts, lobby, change.onsale_at.unwrap_or(event.onsale_at), now);
        wrong.extend(found.into_iter().map(|wrong| of_what_was_sent(wrong, change)));
        wrong.dedup_by(|second, first| second.pointer == first.pointer);
    }
    let (hold, limit) = (change.hold_seconds.unwrap_or(event.hold_seconds), change.ticket_limit.unwrap_or(event.ticket_limit));
    wrong.extend(check_limits(hold, limit));
    wrong
}

/// Of two times in the wrong order, the one that was sent is named: the other may never have been seen.
fn of_what_was_sent(wrong: Wrong, change: &Change) -> Wrong {
    match wrong.pointer.as_str() {
        "/onsale_at" if change.onsale_at.is_none() => {
            Wrong::at("/starts_at", "is before onsale_at: choose a later time, or change onsale_at too")
        }
        "/lobby_opens_at" if change.lobby_opens_at.is_none() => {
            Wrong::at("/onsale_at", "is before lobby_opens_at: choose a later time, or change lobby_opens_at too")
        }
        _ => wrong,
    }
}

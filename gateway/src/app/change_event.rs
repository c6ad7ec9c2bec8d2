//! An organizer corrects an event: everything but its places and prices while it is a draft, only its title afterwards, because the
//! waiting room runs by the published schedule.

use goticket_domain::EventId;
use goticket_domain::catalog::EventStatus;
use goticket_storage::events::{self, Change, Event};

use crate::app::caller::Caller;
use crate::app::catalog::EventError;
use crate::app::create_event::{Wrong, check_limits, check_schedule, check_title};
use crate::app::fault::Fault;
use crate::services::Services;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeEventError {
    #[error("the change cannot be carried out as it is")]
    Invalid(Vec<Wrong>),
    /// Published or closed since: only the title may change.
    #[error("the event is published")]
    NotADraft,
    #[error(transparent)]
    Event(#[from] EventError),
}

impl From<Fault> for ChangeEventError {
    fn from(fault: Fault) -> Self {
        Self::Event(fault.into())
    }
}

pub(crate) async fn change_event(app: &Services, caller: Caller, id: EventId, change: Change) -> Result<Event, ChangeEventError> {
    app.catalog.forget(id).await;
    let event = app.catalog.managed(id, caller).await?;
    let only_title = Change { title: change.title.clone(), ..Change::default() };
    if event.status != EventStatus::Draft && change != only_title {
        return Err(ChangeEventError::NotADraft);
    }
    let wrong = check(&event, &change, app.now());
    if !wrong.is_empty() {
        return Err(ChangeEventError::Invalid(wrong));
    }
    let changed = events::update(&app.pool, id, event.status, &change).await.map_err(Fault::from)?;
    app.catalog.forget(id).await;
    if !changed {
        return Err(ChangeEventError::NotADraft);
    }
    let event = events::find(&app.pool, id).await.map_err(Fault::from)?;
    Ok(event.ok_or(EventError::NotFound)?)
}

/// The event as it would be.
fn check(event: &Event, change: &Change, now: jiff::Timestamp) -> Vec<Wrong> {
    let mut wrong: Vec<Wrong> = change.title.as_deref().and_then(check_title).into_iter().collect();
    if change.starts_at.or(change.lobby_opens_at).or(change.onsale_at).is_some() {
        let starts = change.starts_at.unwrap_or(event.starts_at);
        let lobby = change.lobby_opens_at.unwrap_or(event.lobby_opens_at);
        wrong.extend(check_schedule(starts, lobby, change.onsale_at.unwrap_or(event.onsale_at), now));
    }
    let (hold, limit) = (change.hold_seconds.unwrap_or(event.hold_seconds), change.ticket_limit.unwrap_or(event.ticket_limit));
    wrong.extend(check_limits(hold, limit));
    wrong
}

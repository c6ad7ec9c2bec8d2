//! An organizer publishes an event: from now on its waiting room follows its schedule. Publishing again changes nothing.

use std::sync::Arc;

use goticket_domain::EventId;
use goticket_domain::catalog::EventStatus;
use goticket_domain::policy::{Action, Subject};
use goticket_storage::events::{self, Event};

use crate::app::catalog::EventError;
use crate::fault::Fault;
use crate::services::Services;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    #[error("the event has started already")]
    Past,
    #[error("the event is closed")]
    Closed,
    #[error(transparent)]
    Event(#[from] EventError),
}

pub(crate) async fn publish_event(app: &Services, subject: &Subject, id: EventId) -> Result<Arc<Event>, PublishError> {
    app.catalog.forget(id).await;
    let event = app.catalog.access(subject, Action::PublishEvent, id).await?;
    match event.status {
        EventStatus::Published => return Ok(event),
        EventStatus::Closed => return Err(PublishError::Closed),
        EventStatus::Draft if event.starts_at <= app.now() => return Err(PublishError::Past),
        EventStatus::Draft => {}
    }
    // The secret of the draw: made here, seen by nobody before the lobby is closed.
    events::publish(&app.pool, id).await.map_err(|error| EventError::from(Fault::from(error)))?;
    app.catalog.forget(id).await;
    Ok(app.catalog.access(subject, Action::PublishEvent, id).await?)
}

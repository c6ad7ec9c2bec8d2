//! An organizer opens a further onsale of an event: a line of its own, for some of its seats or for those that came back.

use std::sync::Arc;

use goticket_domain::EventId;
use goticket_domain::catalog::{EventStatus, Offer, OnsaleRefusal};
use goticket_domain::policy::{Action, Subject};
use goticket_domain::queue::RoomSettings;
use goticket_storage::events::Event;
use goticket_storage::onsales;

use crate::app::catalog::EventError;
use crate::app::create_event::{Wrong, check_title};
use crate::fault::Fault;
use crate::services::Services;

/// What an organizer asks for.
pub(crate) struct NewOnsale {
    /// The event's own, if it is left out.
    pub(crate) title: Option<String>,
    pub(crate) offer: Offer,
    pub(crate) queue: RoomSettings,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateOnsaleError {
    #[error("the request cannot be carried out as it is")]
    Invalid(Vec<Wrong>),
    #[error("the event is not published")]
    NotPublished,
    #[error(transparent)]
    Refused(#[from] OnsaleRefusal),
    #[error(transparent)]
    Event(#[from] EventError),
}

/// Its terms are announced by its waiting room, as an event's own are.
pub(crate) async fn create_onsale(
    app: &Services,
    subject: &Subject,
    id: EventId,
    new: NewOnsale,
) -> Result<Arc<Event>, CreateOnsaleError> {
    let event = app.catalog.access(subject, Action::CreateOnsale, id).await?;
    if let Some((of, _)) = event.onsale_of {
        return Err(EventError::OnsaleOf(of).into());
    }
    if event.status != EventStatus::Published {
        return Err(CreateOnsaleError::NotPublished);
    }
    let title = new.title.as_deref().unwrap_or(&event.title).trim();
    let mut wrong: Vec<Wrong> = check_title(title).into_iter().collect();
    wrong.extend(new.queue.check().err().as_ref().map(Wrong::setting));
    if !wrong.is_empty() {
        return Err(CreateOnsaleError::Invalid(wrong));
    }
    let opened = onsales::open(&app.pool, id, title, &new.offer, &new.queue).await;
    let onsale = opened.map_err(|error| EventError::from(Fault::from(error)))??;
    app.catalog.forget(id).await;
    Ok(app.catalog.access(subject, Action::CreateOnsale, onsale).await?)
}

//! The venues of the organizations in which somebody manages something; an admin's are everybody's.

use goticket_domain::VenueId;
use goticket_domain::policy::{Action, Reach, Resource, Subject, reach};
use goticket_storage::venues;
pub(crate) use goticket_storage::venues::Venue;

use crate::app::show_venue::VenueError;
use crate::fault::Fault;
use crate::services::Services;

/// At most `limit` after `after`, by id.
pub(crate) async fn list_venues(
    app: &Services,
    subject: &Subject,
    after: Option<VenueId>,
    limit: u32,
) -> Result<Vec<Venue>, VenueError> {
    app.policy.allow(subject, Action::ListVenues, &Resource::ANY).await?;
    let subject = app.policy.with_rights(subject, Action::ListVenues).await?;
    let organizations = match reach(&subject, Action::ListVenues) {
        Reach::Everywhere => None,
        Reach::In(organizations) => Some(organizations),
    };
    Ok(venues::list(&app.pool, organizations.as_deref(), after, limit).await.map_err(Fault::from)?)
}

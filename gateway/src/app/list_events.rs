//! Events that are on sale, and the drafts of the organizations in which somebody manages something; an admin sees all.

use goticket_domain::EventId;
use goticket_domain::policy::{Action, Reach, Subject, reach};
use goticket_storage::events::{self, Drafts, Event};

use crate::fault::Fault;
use crate::services::Services;

/// At most `limit` after `after`, by id.
pub(crate) async fn list_events(
    app: &Services,
    subject: &Subject,
    after: Option<EventId>,
    limit: u32,
) -> Result<Vec<Event>, Fault> {
    let subject = app.policy.with_rights(subject, Action::ListEvents).await?;
    let reached = reach(&subject, Action::ListEvents);
    let drafts = match &reached {
        Reach::Everywhere => Drafts::All,
        Reach::In(organizations) => Drafts::Of(organizations),
    };
    Ok(events::list(&app.pool, drafts, after, limit).await?)
}

//! An organization's member looks at a venue, and at what its plan holds.

use goticket_domain::VenueId;
use goticket_domain::policy::{Action, Reason, Resource, Subject};
use goticket_domain::seating::SeatingPlan;
use goticket_storage::venues;

use crate::app::import_venue::{ImportedVenue, describe};
use crate::app::policy::Refused;
use crate::fault::Fault;
use crate::services::Services;

#[derive(Debug, thiserror::Error)]
pub(crate) enum VenueError {
    /// Unknown, or another organization's: which of them, no one is told.
    #[error("no such venue")]
    NotFound,
    #[error("denied: {0:?}")]
    Denied(Reason),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Refused> for VenueError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Hidden => Self::NotFound,
            Refused::Denied(reason) => Self::Denied(reason),
            Refused::Fault(fault) => Self::Fault(fault),
        }
    }
}

pub(crate) async fn show_venue(app: &Services, subject: &Subject, id: VenueId) -> Result<ImportedVenue, VenueError> {
    let venue = venues::find(&app.pool, id).await.map_err(Fault::from)?.ok_or(VenueError::NotFound)?;
    app.policy.allow(subject, Action::ShowVenue, &Resource::of(venue.organization)).await?;
    let _slot = app.catalog.next_plan_slot().await?;
    let plan = venues::plan(&app.pool, venue.id).await.map_err(Fault::from)?;
    let plan = plan.ok_or_else(|| Fault::Bug(format!("venue {} is gone", venue.id)))?;
    let read = tokio::task::spawn_blocking(move || SeatingPlan::from_json(plan.as_bytes()));
    let read = read.await.map_err(|error| Fault::Bug(error.to_string()))?;
    Ok(describe(venue, &read.map_err(|error| Fault::Bug(error.to_string()))?))
}

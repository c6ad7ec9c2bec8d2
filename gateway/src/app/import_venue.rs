//! An organizer imports a venue by its seating plan.

use goticket_domain::catalog::MAX_TITLE_CHARS;
use goticket_domain::policy::{Action, Subject};
use goticket_domain::seating::{Layout, PlanError, SeatingPlan, SectionKind};
use goticket_domain::{OrganizationId, VenueId};
use goticket_storage::venues::{self, Venue};

use crate::app::organizations::choose::{ChooseError, choose};
use crate::fault::Fault;
use crate::services::Services;

/// What was imported.
pub(crate) struct ImportedVenue {
    pub(crate) venue: Venue,
    pub(crate) categories: Vec<CategoryCount>,
    pub(crate) sections: Vec<SectionCount>,
    /// Id and label of each area that could become a standing section.
    pub(crate) areas: Vec<(String, String)>,
}

pub(crate) struct CategoryCount {
    pub(crate) name: String,
    pub(crate) color: String,
    pub(crate) seats: usize,
}

pub(crate) struct SectionCount {
    pub(crate) name: String,
    pub(crate) kind: SectionKind,
    pub(crate) seats: usize,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error("name must have 1 to {MAX_TITLE_CHARS} characters, none of them control characters")]
    Name,
    #[error("time zone unknown")]
    TimeZone,
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Organization(#[from] ChooseError),
    /// Others are importing; plans are large.
    #[error("too many plans are being read")]
    Busy,
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Checks everything and stores it; `plan` is the JSON text of the plan.
pub(crate) async fn import_venue(
    app: &Services,
    subject: &Subject,
    organization: Option<OrganizationId>,
    name: &str,
    time_zone: &str,
    plan: String,
) -> Result<ImportedVenue, ImportError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_TITLE_CHARS || name.chars().any(char::is_control) {
        return Err(ImportError::Name);
    }
    if jiff::tz::TimeZone::get(time_zone).is_err() {
        return Err(ImportError::TimeZone);
    }
    let _slot = app.catalog.plan_slot().ok_or(ImportError::Busy)?;
    let read = tokio::task::spawn_blocking(move || SeatingPlan::from_json(plan.as_bytes()).map(|read| (read, plan)));
    let (read, plan) = read.await.map_err(|error| Fault::Bug(error.to_string()))??;
    let venue = Venue {
        id: VenueId::generate(),
        organization: choose(app, subject, Action::ImportVenue, organization).await?,
        name: name.to_owned(),
        time_zone: time_zone.to_owned(),
        seat_count: u32::try_from(read.seat_count()).unwrap_or(u32::MAX),
    };
    venues::insert(&app.pool, &venue, &plan).await.map_err(Fault::from)?;
    Ok(describe(venue, &read))
}

/// What a venue's plan holds.
pub(crate) fn describe(venue: Venue, plan: &SeatingPlan) -> ImportedVenue {
    // A plan of areas alone has no layout without standing sections: then there are no sections to show.
    let empty = Layout { categories: plan.categories.clone(), sections: Vec::new() };
    let layout = plan.layout(&[]).unwrap_or(empty);
    let mut seats = vec![0; layout.categories.len()];
    for seat in layout.sections.iter().flat_map(|section| &section.seats) {
        seats[usize::from(seat.category)] += 1;
    }
    let categories = layout.categories.into_iter().zip(seats);
    ImportedVenue {
        venue,
        categories: categories.map(|(c, seats)| CategoryCount { name: c.name, color: c.color, seats }).collect(),
        sections: layout
            .sections
            .into_iter()
            .map(|s| SectionCount { name: s.name, kind: s.kind, seats: s.seats.len() })
            .collect(),
        areas: plan.areas.iter().map(|area| (area.id.clone(), area.label.clone())).collect(),
    }
}

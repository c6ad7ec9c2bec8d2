//! `POST /v1/venues`, `GET /v1/venues`, `GET /v1/venues/{venue}`

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use goticket_domain::VenueId;
use goticket_domain::identity::Role;
use goticket_domain::seating::SectionKind;
use goticket_storage::venues::{self, Venue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::caller::Staff;
use super::json::{self, JsonBytes};
use super::limits::BodyMax;
use super::parts::{Path, Query, page_size};
use super::problem::{FieldError, Problem, ProblemCode, ProblemDocument};
use crate::app::import_venue::{ImportedVenue, describe_venue, import_venue};
use crate::fault::Fault;
use crate::services::App;

const TAG: &str = "venues";

/// A venue to import.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewVenue {
    name: String,
    /// IANA name, e.g. `Europe/Berlin`.
    time_zone: String,
    /// A seating plan in pretix' format.
    #[schema(value_type = Object)]
    plan: Box<RawValue>,
}

/// A venue without its plan.
#[derive(Serialize, ToSchema)]
pub(crate) struct VenueSummary {
    id: Uuid,
    name: String,
    time_zone: String,
    seat_count: u32,
}

/// A venue and what its plan holds.
#[derive(Serialize, ToSchema)]
pub(crate) struct VenueBody {
    #[serde(flatten)]
    summary: VenueSummary,
    categories: Vec<VenueCategory>,
    sections: Vec<VenueSection>,
    /// Areas that an event can sell as standing sections.
    areas: Vec<VenueArea>,
}

/// A price category of a plan.
#[derive(Serialize, ToSchema)]
pub(crate) struct VenueCategory {
    name: String,
    color: String,
    seats: usize,
}

/// A section of a plan.
#[derive(Serialize, ToSchema)]
pub(crate) struct VenueSection {
    name: String,
    /// `seated` or `standing`.
    #[schema(value_type = String)]
    kind: SectionKind,
    seats: usize,
}

/// An area of a plan.
#[derive(Serialize, ToSchema)]
pub(crate) struct VenueArea {
    id: String,
    label: String,
}

/// A page of venues.
#[derive(Serialize, ToSchema)]
pub(crate) struct VenuePage {
    items: Vec<VenueSummary>,
    /// For the next page; null on the last one.
    next_cursor: Option<Uuid>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// 1 to 100 items; 100 if it is left out.
    pub(crate) limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<Uuid>,
}

impl From<Venue> for VenueSummary {
    fn from(venue: Venue) -> Self {
        Self { id: venue.id.0, name: venue.name, time_zone: venue.time_zone, seat_count: venue.seat_count }
    }
}

impl From<ImportedVenue> for VenueBody {
    fn from(imported: ImportedVenue) -> Self {
        let category =
            |c: crate::app::import_venue::CategoryCount| VenueCategory { name: c.name, color: c.color, seats: c.seats };
        let section = |s: crate::app::import_venue::SectionCount| VenueSection { name: s.name, kind: s.kind, seats: s.seats };
        Self {
            summary: imported.venue.into(),
            categories: imported.categories.into_iter().map(category).collect(),
            sections: imported.sections.into_iter().map(section).collect(),
            areas: imported.areas.into_iter().map(|(id, label)| VenueArea { id, label }).collect(),
        }
    }
}

pub(crate) fn router() -> OpenApiRouter<App> {
    // The limit is this route's alone.
    let import = OpenApiRouter::new().routes(routes!(import, list)).layer(BodyMax::VENUE.layer());
    import.routes(routes!(show))
}

/// Imports a venue by its seating plan (body at most 33 MiB).
#[utoipa::path(post, path = "/v1/venues", operation_id = "import_venue", tag = TAG, security(("access" = [])), request_body = NewVenue, responses(
    (status = 201, body = VenueBody),
    (status = 413, body = ProblemDocument),
    (status = 422, description = "the pointer names the fault in the plan", body = ProblemDocument),
))]
async fn import(State(app): State<App>, Staff(caller): Staff, JsonBytes(body): JsonBytes) -> Result<impl IntoResponse, Problem> {
    // Megabytes are parsed where they don't hold up anybody's poll.
    let new = tokio::task::spawn_blocking(move || json::parse::<NewVenue>(&body));
    let new = new.await.map_err(|error| Problem::internal(&error.to_string()))??;
    let plan = String::from(Box::<str>::from(new.plan));
    let imported = import_venue(&app, caller, &new.name, &new.time_zone, plan).await?;
    let location = format!("/v1/venues/{}", imported.venue.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(VenueBody::from(imported))))
}

/// The caller's venues; an admin's are everybody's.
#[utoipa::path(get, path = "/v1/venues", operation_id = "list_venues", tag = TAG, security(("access" = [])), params(PageQuery), responses(
    (status = 200, body = VenuePage),
))]
async fn list(
    State(app): State<App>,
    Staff(caller): Staff,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<VenuePage>, Problem> {
    let limit = page_size(query.limit)?;
    let owner = (caller.role != Role::Admin).then_some(caller.account);
    let found = venues::list(&app.pool, owner, query.cursor.map(VenueId), limit).await.map_err(Fault::from)?;
    let full = found.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next_cursor = found.last().filter(|_| full).map(|venue| venue.id.0);
    Ok(axum::Json(VenuePage { items: found.into_iter().map(VenueSummary::from).collect(), next_cursor }))
}

/// A venue and what its plan holds.
#[utoipa::path(get, path = "/v1/venues/{venue}", operation_id = "show_venue", tag = TAG, security(("access" = [])), params(("venue" = Uuid, Path)), responses(
    (status = 200, body = VenueBody),
    (status = 404, description = "venue_not_found, also for another organizer's", body = ProblemDocument),
))]
async fn show(
    State(app): State<App>,
    Staff(caller): Staff,
    Path(venue): Path<VenueId>,
) -> Result<axum::Json<VenueBody>, Problem> {
    let found = venues::find(&app.pool, venue).await.map_err(Fault::from)?;
    let found = found.filter(|venue| caller.may_manage(venue.owner));
    let found = found.ok_or_else(|| {
        Problem::new(ProblemCode::VenueNotFound, "You have no such venue. Check the id in the path.")
            .with_error(FieldError::path("venue", "is none of your venues: take an id of GET /v1/venues"))
    })?;
    Ok(axum::Json(describe_venue(&app, found).await?.into()))
}

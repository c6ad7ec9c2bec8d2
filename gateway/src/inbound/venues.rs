//! `POST /v1/venues`, `GET /v1/venues`, `GET /v1/venues/{venue}`

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use goticket_domain::policy::{Action, Resource, Subject};
use goticket_domain::seating::SectionKind;
use goticket_domain::{OrganizationId, VenueId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::json::{self, JsonBytes};
use super::limits::BodyMax;
use super::parts::{Path, Query, page_size};
use super::problem::{Problem, ProblemDocument};
use crate::app::caller::Caller;
use crate::app::import_venue::{ImportedVenue, import_venue};
use crate::app::list_venues::{Venue, list_venues};
use crate::app::show_venue::show_venue;
use crate::services::App;

const TAG: &str = "venues";

/// A venue to import.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewVenue {
    name: String,
    /// IANA name, e.g. `Europe/Berlin`.
    time_zone: String,
    /// To which it belongs. May be left out by who manages one organization, or none: then they get one of their own.
    organization: Option<Uuid>,
    /// A seating plan in pretix' format.
    #[schema(value_type = Object)]
    plan: Box<RawValue>,
}

/// A venue without its plan.
#[derive(Serialize, ToSchema)]
pub(crate) struct VenueSummary {
    id: Uuid,
    /// To which it belongs.
    organization: Uuid,
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
        Self {
            id: venue.id.0,
            organization: venue.organization.0,
            name: venue.name,
            time_zone: venue.time_zone,
            seat_count: venue.seat_count,
        }
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

/// Whoever can import venues anywhere. Known before megabytes of a plan are read.
struct Importer(Subject);

impl FromRequestParts<App> for Importer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = <Caller as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        let subject = caller.subject();
        app.policy.allow(&subject, Action::ImportVenue, &Resource::ANY).await?;
        Ok(Self(subject))
    }
}

/// Imports a venue by its seating plan (body at most 33 MiB).
#[utoipa::path(post, path = "/v1/venues", operation_id = "import_venue", tag = TAG, security(("access" = [])), request_body = NewVenue, responses(
    (status = 201, body = VenueBody),
    (status = 401, body = ProblemDocument),
    (status = 403, description = "role_required, member_role_required", body = ProblemDocument),
    (status = 409, description = "too_many_organizations", body = ProblemDocument),
    (status = 413, body = ProblemDocument),
    (status = 422, description = "the pointer names the fault in the plan", body = ProblemDocument),
))]
async fn import(
    State(app): State<App>,
    Importer(subject): Importer,
    JsonBytes(body): JsonBytes,
) -> Result<impl IntoResponse, Problem> {
    // Megabytes are parsed where they don't hold up anybody's poll.
    let new = tokio::task::spawn_blocking(move || json::parse::<NewVenue>(&body));
    let new = new.await.map_err(|error| Problem::internal(&error.to_string()))??;
    let plan = String::from(Box::<str>::from(new.plan));
    let imported = import_venue(&app, &subject, new.organization.map(OrganizationId), &new.name, &new.time_zone, plan).await?;
    let location = format!("/v1/venues/{}", imported.venue.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(VenueBody::from(imported))))
}

/// The venues of the organizations that the caller manages; an admin's are everybody's.
#[utoipa::path(get, path = "/v1/venues", operation_id = "list_venues", tag = TAG, security(("access" = [])), params(PageQuery), responses(
    (status = 200, body = VenuePage),
))]
async fn list(State(app): State<App>, caller: Caller, Query(query): Query<PageQuery>) -> Result<axum::Json<VenuePage>, Problem> {
    let limit = page_size(query.limit)?;
    let found = list_venues(&app, &caller.subject(), query.cursor.map(VenueId), limit).await?;
    let full = found.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next_cursor = found.last().filter(|_| full).map(|venue| venue.id.0);
    Ok(axum::Json(VenuePage { items: found.into_iter().map(VenueSummary::from).collect(), next_cursor }))
}

/// A venue and what its plan holds.
#[utoipa::path(get, path = "/v1/venues/{venue}", operation_id = "show_venue", tag = TAG, security(("access" = [])), params(("venue" = Uuid, Path)), responses(
    (status = 200, body = VenueBody),
    (status = 404, description = "venue_not_found, also for another organizer's", body = ProblemDocument),
))]
async fn show(State(app): State<App>, caller: Caller, Path(venue): Path<VenueId>) -> Result<axum::Json<VenueBody>, Problem> {
    Ok(axum::Json(show_venue(&app, &caller.subject(), venue).await?.into()))
}

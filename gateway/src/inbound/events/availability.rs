//! `GET /v1/events/{event}/availability`

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use goticket_domain::EventId;
use goticket_domain::catalog::EventStatus;
use goticket_domain::policy::Action;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::TAG;
use crate::app::caller::{Caller, subject};
use crate::app::catalog::Event;
use crate::app::seat_map::{SeatStates, Tally};
use crate::inbound::cached::takes_gzip;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::packed::{self, Packed};
use crate::services::App;

/// What is left.
#[derive(Serialize, ToSchema)]
pub(crate) struct AvailabilityBody {
    event: Uuid,
    version: u64,
    categories: Vec<CategoryLeft>,
    sections: Vec<SectionLeft>,
}

/// What is left of a price category.
#[derive(Serialize, ToSchema)]
pub(crate) struct CategoryLeft {
    category: u16,
    free: u32,
    /// May come back.
    held: u32,
    sold: u32,
}

/// What is left of a section.
#[derive(Serialize, ToSchema)]
pub(crate) struct SectionLeft {
    section: u16,
    free: u32,
}

/// How many places are free, by price category and by section.
#[utoipa::path(get, path = "/v1/events/{event}/availability", operation_id = "show_availability", tag = TAG, security((), ("access" = [])),
    params(("event" = Uuid, Path)), responses(
    (status = 200, body = AvailabilityBody),
    (status = 404, body = ProblemDocument),
))]
pub(crate) async fn availability(
    State(app): State<App>,
    caller: Option<Caller>,
    Path(id): Path<EventId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let event = app.catalog.with_seats(&subject(caller), Action::ShowAvailability, id).await?;
    let geometry = app.catalog.geometry(&event).await?;
    let states = app.seat_maps.read(id, &geometry).await?;
    if event.status == EventStatus::Draft {
        return Ok(axum::Json(count(&event, &states)).into_response());
    }
    // Of a published event categories and sections stay what they are.
    let packed = states.availability.get_or_init(|| Packed::new(serde_json::to_vec(&count(&event, &states)).unwrap_or_default()));
    let as_json = [(header::CACHE_CONTROL, "public, max-age=1"), (header::CONTENT_TYPE, "application/json")];
    if !takes_gzip(&headers) {
        return Ok((as_json, packed.plain().clone()).into_response());
    }
    let coded = [(header::CONTENT_ENCODING, "gzip"), (header::VARY, "accept-encoding")];
    Ok((as_json, coded, packed::gzip(&[packed]).await?).into_response())
}

fn count(event: &Event, states: &SeatStates) -> AvailabilityBody {
    let (by_category, by_section) = (states.by_category(), states.by_section());
    let of = |tallies: &BTreeMap<u16, Tally>, no| tallies.get(&no).copied().unwrap_or_default();
    let categories = event.categories.iter().map(|category| {
        let Tally { free, held, sold } = of(&by_category, category.no);
        CategoryLeft { category: category.no, free, held, sold }
    });
    let sections =
        event.sections.iter().map(|section| SectionLeft { section: section.no, free: of(&by_section, section.no).free });
    AvailabilityBody {
        event: event.id.0,
        version: states.version,
        categories: categories.collect(),
        sections: sections.collect(),
    }
}

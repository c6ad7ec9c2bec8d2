//! `GET /v1/events/{event}/availability`

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use goticket_contracts::redis_keys::seat_state;
use goticket_domain::EventId;
use goticket_domain::catalog::EventStatus;
use goticket_storage::events::Event;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::TAG;
use crate::app::caller::Caller;
use crate::app::geometry::Geometry;
use crate::app::seat_map::SeatStates;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
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
#[utoipa::path(get, path = "/v1/events/{event}/availability", tag = TAG, security((), ("access" = [])),
    params(("event" = Uuid, Path)), responses(
    (status = 200, body = AvailabilityBody),
    (status = 404, body = ProblemDocument),
))]
pub(crate) async fn availability(
    State(app): State<App>,
    caller: Option<Caller>,
    Path(id): Path<EventId>,
) -> Result<impl IntoResponse, Problem> {
    let event = app.catalog.visible(id, caller).await?;
    let geometry = app.catalog.geometry(&event).await?;
    let states = app.seat_maps.read(id, &geometry).await?;
    let cache = if event.status == EventStatus::Draft { "private, no-store" } else { "public, max-age=1" };
    Ok(([(header::CACHE_CONTROL, cache)], axum::Json(count(&event, &geometry, &states))))
}

fn count(event: &Event, geometry: &Geometry, states: &SeatStates) -> AvailabilityBody {
    let none = |category| CategoryLeft { category, free: 0, held: 0, sold: 0 };
    let mut categories: Vec<CategoryLeft> = event.categories.iter().map(|category| none(category.no)).collect();
    let mut sections: Vec<SectionLeft> =
        event.sections.iter().map(|section| SectionLeft { section: section.no, free: 0 }).collect();
    for (index, place) in geometry.places().iter().enumerate() {
        let state = states.state(index);
        if let Ok(at) = categories.binary_search_by_key(&place.category, |left| left.category) {
            match state {
                seat_state::FREE => categories[at].free += 1,
                seat_state::HELD => categories[at].held += 1,
                _ => categories[at].sold += 1,
            }
        }
        if state == seat_state::FREE
            && let Ok(at) = sections.binary_search_by_key(&place.section, |left| left.section)
        {
            sections[at].free += 1;
        }
    }
    AvailabilityBody { event: event.id.0, version: states.version, categories, sections }
}

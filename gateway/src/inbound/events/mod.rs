//! Events, and what of them is free.

mod availability;
mod change;
mod create;
mod list;
mod onsales;
mod publish;
mod seat_stream;
mod seats;
mod show;

use goticket_domain::catalog::{EventStatus, OnsaleKind};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::catalog::Event;
use crate::services::App;

pub(crate) const TAG: &str = "events";

/// An event.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventBody {
    id: Uuid,
    title: String,
    venue: EventVenue,
    /// The organization that sells it.
    organization: Uuid,
    /// `draft`, `published` or `closed`.
    #[schema(value_type = String)]
    status: EventStatus,
    currency: String,
    starts_at: Timestamp,
    lobby_opens_at: Timestamp,
    onsale_at: Timestamp,
    hold_seconds: u32,
    ticket_limit: u32,
    capacity: u32,
    categories: Vec<EventCategory>,
    /// None of a further onsale: its seats are those of the event it is part of.
    sections: Vec<EventSection>,
    /// The event of which this is a further onsale.
    #[serde(skip_serializing_if = "Option::is_none")]
    onsale_of: Option<Uuid>,
    /// What for: `accessible` or `second_draw`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    onsale_kind: Option<OnsaleKind>,
    /// Its further onsales, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    onsales: Vec<EventOnsale>,
}

/// A further onsale of an event: a line of its own.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventOnsale {
    /// Under which it is listed: its queue is that of this event.
    id: Uuid,
    /// `accessible` or `second_draw`.
    #[schema(value_type = String)]
    kind: OnsaleKind,
}

/// Where an event takes place.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventVenue {
    id: Uuid,
    name: String,
    time_zone: String,
}

/// A price category.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventCategory {
    no: u16,
    name: String,
    color: String,
    price_minor: i64,
    seats: u32,
}

/// A section: consecutive seat numbers.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventSection {
    no: u16,
    name: String,
    /// `seated` or `standing`.
    kind: String,
    first_seat: u32,
    seat_count: u32,
}

impl From<&Event> for EventBody {
    fn from(event: &Event) -> Self {
        let categories = event.categories.iter().map(|c| EventCategory {
            no: c.no,
            name: c.name.clone(),
            color: c.color.clone(),
            price_minor: c.price_minor,
            seats: c.seats,
        });
        let sections = event.sections.iter().map(|s| EventSection {
            no: s.no,
            name: s.name.clone(),
            kind: s.kind.clone(),
            first_seat: s.first_seat,
            seat_count: s.seat_count,
        });
        Self {
            id: event.id.0,
            title: event.title.clone(),
            venue: EventVenue { id: event.venue.0, name: event.venue_name.clone(), time_zone: event.time_zone.clone() },
            organization: event.organization.0,
            status: event.status,
            currency: event.currency.clone(),
            starts_at: event.starts_at,
            lobby_opens_at: event.lobby_opens_at,
            onsale_at: event.onsale_at,
            hold_seconds: event.hold_seconds,
            ticket_limit: event.ticket_limit,
            capacity: event.capacity,
            categories: categories.collect(),
            sections: sections.collect(),
            onsale_of: event.onsale_of.map(|(of, _)| of.0),
            onsale_kind: event.onsale_of.map(|(_, kind)| kind),
            onsales: event.onsales.iter().map(|onsale| EventOnsale { id: onsale.id.0, kind: onsale.kind }).collect(),
        }
    }
}

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create::create, list::list))
        .routes(routes!(show::show, change::change))
        .routes(routes!(publish::publish))
        .routes(routes!(onsales::create))
        .routes(routes!(seats::seats))
        .routes(routes!(seat_stream::stream))
        .routes(routes!(availability::availability))
}

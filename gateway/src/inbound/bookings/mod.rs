//! Bookings, their payment and their tickets.

mod cancel;
mod create;
mod headers;
mod pay;
mod show;
mod tickets;

use std::sync::Arc;

use goticket_domain::booking::{HeldSeats, Outcome, RefusalReason};
use goticket_domain::{BookingId, EventId, Money};
use goticket_storage::bookings::view::BookingView;
use goticket_storage::events::Event;
use iso_currency::Currency;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::problem::Problem;
use crate::app::catalog::EventError;
use crate::app::fault::Fault;
use crate::app::geometry::Geometry;
use crate::services::App;

pub(crate) const TAG: &str = "bookings";

/// A booking.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BookingBody {
    id: Uuid,
    event: Uuid,
    /// `refused`, `held`, `confirmed`, `expired`, `cancelled` or `refunded`.
    state: &'static str,
    /// Of all its seats; left out where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<u16>,
    seats: Vec<BookedSeat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<Amount>,
    /// Pay before.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_expires_at: Option<Timestamp>,
    /// Why a request was refused: `sold`, `held`, `contended`, `not_together`, `limit_reached`, `not_on_sale`, `invalid` or `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reason: Option<RefusalReason>,
}

/// A request that was accepted and is not decided yet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PendingBody {
    id: Uuid,
    /// `pending`.
    state: &'static str,
    /// Where the outcome will be found.
    status_url: String,
}

/// A seat of a booking.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BookedSeat {
    no: u32,
    row: String,
    number: String,
    category: u16,
    price_minor: i64,
}

/// An amount of money.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Amount {
    amount_minor: i64,
    /// ISO 4217 code.
    #[schema(value_type = String)]
    currency: Currency,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self { amount_minor: money.amount_minor, currency: money.currency }
    }
}

impl PendingBody {
    fn new(id: BookingId) -> Self {
        Self { id: id.0, state: "pending", status_url: url(id) }
    }
}

/// A booking's own address.
fn url(id: BookingId) -> String {
    format!("/v1/bookings/{id}")
}

/// What a booking's answer needs to know of its event. Bookings outlive the publication of their events, so nothing is hidden here.
struct Shown {
    event: Arc<Event>,
    geometry: Arc<Geometry>,
}

impl Shown {
    async fn load(app: &App, event: EventId) -> Result<Self, Problem> {
        let event = app.catalog.any(event).await.map_err(|error| match error {
            EventError::Fault(fault) => Problem::from(fault),
            EventError::NotFound | EventError::Forbidden => Fault::Bug(format!("a booking's event {event} is gone")).into(),
        })?;
        let geometry = app.catalog.geometry(&event).await?;
        Ok(Self { event, geometry })
    }

    fn seat(&self, no: u32, price_minor: Option<i64>) -> BookedSeat {
        let place = self.geometry.place(no);
        let category = place.map_or(0, |place| place.category);
        let listed = || self.event.categories.iter().find(|known| known.no == category).map_or(0, |known| known.price_minor);
        BookedSeat {
            no,
            row: place.map(|place| place.row.to_string()).unwrap_or_default(),
            number: place.map(|place| place.number.to_string()).unwrap_or_default(),
            category,
            price_minor: price_minor.unwrap_or_else(listed),
        }
    }

    /// A booking as it stands now.
    fn booking(&self, view: &BookingView) -> Result<BookingBody, Problem> {
        let currency = Currency::from_code(&view.currency);
        let currency = currency.ok_or_else(|| Problem::internal(&format!("booking {} is in {:?}", view.id, view.currency)))?;
        Ok(BookingBody {
            id: view.id.0,
            event: view.event.0,
            state: view.state.as_str(),
            section: Some(view.section),
            seats: view.seats.iter().map(|(no, price)| self.seat(*no, Some(*price))).collect(),
            total: Some(Amount { amount_minor: view.total_minor, currency }),
            hold_expires_at: Some(view.hold_expires_at),
            reason: None,
        })
    }

    /// A booking as it was decided.
    fn held(&self, booking: BookingId, held: &HeldSeats) -> BookingBody {
        let section = held.seats.first().and_then(|no| self.geometry.place(*no)).map(|place| place.section);
        BookingBody {
            id: booking.0,
            event: self.event.id.0,
            state: "held",
            section,
            seats: held.seats.iter().map(|no| self.seat(*no, None)).collect(),
            total: Some(held.total.into()),
            hold_expires_at: Some(held.expires_at),
            reason: None,
        }
    }
}

/// A request that got no seats.
fn refused(event: EventId, outcome: &Outcome) -> BookingBody {
    let reason = match outcome {
        Outcome::Refused { reason, .. } => Some(*reason),
        Outcome::Held { .. } => None,
    };
    BookingBody {
        id: outcome.booking().0,
        event: event.0,
        state: "refused",
        section: None,
        seats: Vec::new(),
        total: None,
        hold_expires_at: None,
        reason,
    }
}

/// Endpoints that wait for an outcome as long as the client likes; the others are under [`router`].
pub(crate) fn waiting_router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create::create)).routes(routes!(cancel::cancel))
}

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show::show))
        .routes(routes!(pay::pay))
        .routes(routes!(tickets::list))
        .routes(routes!(tickets::pdf))
}

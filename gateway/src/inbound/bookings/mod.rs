//! Bookings, their payments and their tickets.

mod asking;
mod cancel;
mod create;
mod entry;
mod headers;
mod list;
mod pay;
mod payments;
mod show;
mod stream;
mod tickets;

use std::sync::Arc;

use goticket_domain::booking::{AnyBooking, HeldSeats, RefusalReason};
use goticket_domain::{BookingId, EventId, Money, SeatNo};
use iso_currency::Currency;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::catalog::Event;
use crate::app::geometry::Geometry;
use crate::app::look_up_booking::RefusedRequest;
use crate::fault::Fault;
use crate::services::App;

pub(crate) use entry::Passed;

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
    /// Why a request was refused: `sold`, `held`, `yours`, `contended`, `not_together`, `limit_reached`, `not_on_sale`,
    /// `closed`, `cancelled`, `invalid` or `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reason: Option<RefusalReason>,
    /// Of a request refused as `held`: when the last of the seats comes back, unless it is paid for.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// Of a request refused as `yours`: the caller's own booking that has the seats.
    #[serde(skip_serializing_if = "Option::is_none")]
    booking: Option<Uuid>,
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
    async fn load(app: &App, event: EventId) -> Result<Self, Fault> {
        let event = app.catalog.of_booking(event).await?;
        let geometry = app.catalog.geometry(&event).await?;
        Ok(Self { event, geometry })
    }

    fn seat(&self, no: u32, price_minor: i64) -> BookedSeat {
        let place = self.geometry.place(no);
        BookedSeat {
            no,
            row: place.map(|place| place.row.to_string()).unwrap_or_default(),
            number: place.map(|place| place.number.to_string()).unwrap_or_default(),
            category: place.map_or(0, |place| place.category),
            price_minor,
        }
    }

    /// A booking as it stands now.
    fn booking(&self, booking: &AnyBooking) -> BookingBody {
        let order = booking.order();
        BookingBody {
            id: order.id.0,
            event: order.event.0,
            state: booking.state().as_str(),
            section: Some(order.section.0),
            seats: self.seats(&order.seats, &order.prices),
            total: Some(order.total.into()),
            hold_expires_at: Some(order.hold_expires_at),
            reason: None,
            until: None,
            booking: None,
        }
    }

    fn seats(&self, seats: &[SeatNo], prices: &[i64]) -> Vec<BookedSeat> {
        seats.iter().zip(prices).map(|(seat, price)| self.seat(seat.0, *price)).collect()
    }

    /// A booking as it was decided.
    fn held(&self, booking: BookingId, held: &HeldSeats, prices: &[i64]) -> BookingBody {
        let section = held.seats.first().and_then(|seat| self.geometry.place(seat.0)).map(|place| place.section);
        BookingBody {
            id: booking.0,
            event: self.event.id.0,
            state: "held",
            section,
            seats: self.seats(&held.seats, prices),
            total: Some(held.total.into()),
            hold_expires_at: Some(held.expires_at),
            reason: None,
            until: None,
            booking: None,
        }
    }
}

/// A request that got no seats.
fn refused(request: &RefusedRequest) -> BookingBody {
    BookingBody {
        id: request.booking.0,
        event: request.event.0,
        state: "refused",
        section: None,
        seats: Vec::new(),
        total: None,
        hold_expires_at: None,
        reason: Some(request.refusal.reason),
        until: request.refusal.until,
        booking: request.refusal.yours.map(|booking| booking.0),
    }
}

/// Asks for seats, and waits for the outcome as long as the client likes. Turns away what is too much itself.
pub(crate) fn asking_router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create::create))
}

/// Waits for an outcome, too.
pub(crate) fn cancelling_router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(cancel::cancel))
}

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(show::show))
        .routes(routes!(stream::stream))
        .routes(routes!(payments::payments))
        .routes(routes!(pay::pay))
        .routes(routes!(tickets::list))
        .routes(routes!(tickets::pdf))
}

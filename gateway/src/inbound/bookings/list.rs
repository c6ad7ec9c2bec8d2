//! `GET /v1/bookings`

use std::collections::HashMap;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use goticket_domain::booking::BookingState;
use goticket_domain::{BookingId, EventId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{BookingBody, Shown, TAG, refused};
use crate::app::caller::Caller;
use crate::app::list_bookings::{Listed, ListedBooking, list_bookings};
use crate::app::look_up_booking::RefusedRequest;
use crate::inbound::parts::{Query, page_size};
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// Which page of which bookings.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct BookingsQuery {
    /// 1 to 100 items; 100 if it is left out.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// `refused`, `held`, `confirmed`, `expired`, `cancelled` or `refunded`; all but `refused` if it is left out.
    #[param(value_type = Option<String>)]
    state: Option<ListedState>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ListedState {
    Refused,
    Held,
    Confirmed,
    Expired,
    Cancelled,
    Refunded,
}

/// A page of bookings.
#[derive(Serialize, ToSchema)]
pub(crate) struct BookingPage {
    /// Newest first.
    items: Vec<BookingBody>,
    /// For the next page; null on the last one.
    next_cursor: Option<Uuid>,
}

impl From<ListedState> for Listed {
    fn from(state: ListedState) -> Self {
        match state {
            ListedState::Refused => Self::Refused,
            ListedState::Held => Self::In(BookingState::Held),
            ListedState::Confirmed => Self::In(BookingState::Confirmed),
            ListedState::Expired => Self::In(BookingState::Expired),
            ListedState::Cancelled => Self::In(BookingState::Cancelled),
            ListedState::Refunded => Self::In(BookingState::Refunded),
        }
    }
}

/// The caller's bookings, newest first. Requests that are still to be decided are not among them.
#[utoipa::path(get, path = "/v1/bookings", operation_id = "list_bookings", tag = TAG, security(("access" = [])), params(BookingsQuery), responses(
    (status = 200, body = BookingPage),
    (status = 400, description = "invalid_query", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<BookingsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let limit = page_size(query.limit)?;
    let listed = query.state.map_or(Listed::Booked, Listed::from);
    // One more than is shown says whether there is another page.
    let before = query.cursor.map(BookingId);
    let mut found = list_bookings(&app, caller, listed, before, limit + 1).await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > size;
    found.truncate(size);
    let mut events = HashMap::new();
    let mut items = Vec::with_capacity(found.len());
    for booking in found {
        items.push(body(&app, &mut events, booking).await?);
    }
    let next_cursor = items.last().filter(|_| more).map(|last| last.id);
    Ok(([(header::CACHE_CONTROL, "private, no-store")], axum::Json(BookingPage { items, next_cursor })))
}

/// The same as the booking's own address shows.
async fn body(app: &App, events: &mut HashMap<EventId, Shown>, listed: ListedBooking) -> Result<BookingBody, Problem> {
    match listed {
        ListedBooking::Refused { booking, event, refusal } => Ok(refused(&RefusedRequest { booking, event, refusal })),
        ListedBooking::Booking(booking) => {
            let event = booking.order().event;
            if let Some(shown) = events.get(&event) {
                return Ok(shown.booking(&booking));
            }
            let shown = Shown::load(app, event).await?;
            let body = shown.booking(&booking);
            events.insert(event, shown);
            Ok(body)
        }
    }
}

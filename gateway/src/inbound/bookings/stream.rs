//! `GET /v1/bookings/{booking}/stream`

use std::ops::RangeInclusive;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use goticket_domain::BookingId;
use goticket_domain::policy::{Action, Subject};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::TAG;
use super::show::describe;
use crate::app::look_up_booking::LookUpError;
use crate::fault::Fault;
use crate::inbound::caller::Session;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::inbound::sse::{self, Outlet, Unread};
use crate::services::App;

/// Between two looks at a booking: a second, spread so that streams which were opened together do not look together.
const LOOK_EVERY_MS: RangeInclusive<u64> = 750..=1_250;

/// A booking at one moment.
struct Seen {
    json: String,
    /// Of what is shown: another one whenever that is, whatever of it changed, and the same from every gateway.
    id: String,
    is_final: bool,
}

/// One of the caller's bookings as it changes, as server-sent events.
///
/// `booking` with what the booking's own address shows: first as it is now, unless the `Last-Event-ID` is of just that, then each time it
/// is another. The stream ends once its state is final: `refused`, `confirmed`, `expired`, `cancelled` or `refunded`; opened again with
/// that event's id it answers 204. It ends with the access token too, and after some minutes: open it again.
#[utoipa::path(get, path = "/v1/bookings/{booking}/stream", operation_id = "stream_booking", tag = TAG, security(("access" = [])),
    params(("booking" = Uuid, Path), ("Last-Event-ID" = Option<String>, Header, description = "of the event seen last")), responses(
    (status = 200, description = "events booking", content_type = "text/event-stream", body = String),
    (status = 204, description = "the state seen last is final: there is nothing to wait for"),
    (status = 404, body = ProblemDocument),
    (status = 422, description = "idempotency_key_reused: the request's key was decided for another one", body = ProblemDocument),
    (status = 429, description = "too_many_streams", body = ProblemDocument),
    (status = 503, description = "also streams_full", body = ProblemDocument),
))]
pub(crate) async fn stream(
    State(app): State<App>,
    session: Session,
    Path(id): Path<BookingId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let subject = session.caller.subject();
    let slot = app.booking_streams.take(session.caller.account)?;
    let first = look(&app, &subject, id).await?;
    let known = sse::last_event_id(&headers).map(str::to_owned);
    if first.is_final && known.as_ref() == Some(&first.id) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let watched = app.clone();
    Ok(sse::answer(&app, slot, Some(session.expires_at), |outlet| watch(watched, subject, id, first, known, outlet)))
}

async fn look(app: &App, subject: &Subject, id: BookingId) -> Result<Seen, LookUpError> {
    let document = describe(app, subject, Action::StreamBooking, id).await?;
    let json = serde_json::to_string(&document).map_err(|error| Fault::Bug(error.to_string()))?;
    let id = hex::encode(&Sha256::digest(&json)[..8]);
    Ok(Seen { json, id, is_final: document.is_final() })
}

/// Tells what changes until nothing more will. No channel tells every gateway of a booking's changes: a reply reaches only the one that
/// asked, and an expiry none. So each stream reads its booking's row once a second, by the primary key; how many do is bounded by
/// [`BOOKING_STREAMS_MAX`](crate::app::stream_slots::BOOKING_STREAMS_MAX).
async fn watch(
    app: App,
    subject: Subject,
    id: BookingId,
    first: Seen,
    known: Option<String>,
    outlet: Outlet,
) -> Result<(), Unread> {
    let (mut seen, mut told) = (first, known);
    loop {
        if told.as_ref() != Some(&seen.id) {
            outlet.send(Event::default().event("booking").id(&seen.id).data(&seen.json)).await?;
            told = Some(seen.id);
        }
        if seen.is_final {
            return Ok(());
        }
        seen = loop {
            sleep(Duration::from_millis(rand::random_range(LOOK_EVERY_MS))).await;
            match look(&app, &subject, id).await {
                Ok(seen) => break seen,
                Err(LookUpError::Fault(Fault::Unavailable { cause, .. })) => {
                    tracing::debug!(cause, "a booking cannot be looked at");
                }
                // Who opens it again is told why.
                Err(error) => {
                    tracing::debug!(%error, "a booking's stream ends");
                    return Ok(());
                }
            }
        };
    }
}

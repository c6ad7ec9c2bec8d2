//! `POST /v1/events/{event}/bookings`

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use goticket_domain::EventId;
use goticket_domain::booking::{Outcome, RefusalReason};
use goticket_domain::catalog::EventStatus;
use goticket_domain::policy::Action;
use serde::Deserialize;
use utoipa::ToSchema;

use super::asking::Asking;
use super::{BookingBody, PendingBody, Shown, TAG, url};
use crate::app::book::{Booked, Decided, NewRequest, UncheckedChoice, book};
use crate::inbound::apart::apart;
use crate::inbound::json::Json;
use crate::inbound::problem::{FieldError, Problem, ProblemCode, ProblemDocument, Refused};
use crate::inbound::slots::overloaded;
use crate::services::App;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Named seats of one section, or the best so many of a section: one or the other.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeatRequest {
    /// Seat numbers, 1 to 10 of them.
    seats: Option<Vec<u32>>,
    section: Option<u16>,
    /// 1 to 10.
    quantity: Option<u32>,
    /// Only of this price category.
    category: Option<u16>,
}

impl SeatRequest {
    /// The member that says how many.
    fn count_field(&self) -> &'static str {
        if self.seats.is_some() { "/seats" } else { "/quantity" }
    }

    fn into_choice(self) -> Result<UncheckedChoice, Problem> {
        let too_much = "does not go with seats: name seats, or a section and a quantity";
        let missing = |field: &str, fix: &str| {
            Problem::new(ProblemCode::MissingField, format!("/{field} {fix}."))
                .with_error(FieldError::pointer(format!("/{field}"), fix))
        };
        match self {
            Self { seats: Some(seats), section: None, quantity: None, category: None } => Ok(UncheckedChoice::Seats(seats)),
            Self { seats: Some(_), section, quantity, .. } => {
                let field = if section.is_some() {
                    "section"
                } else if quantity.is_some() {
                    "quantity"
                } else {
                    "category"
                };
                Err(Problem::invalid(vec![FieldError::pointer(format!("/{field}"), too_much)]))
            }
            Self { seats: None, section: Some(section), quantity: Some(quantity), category } => {
                Ok(UncheckedChoice::Best { section, quantity, category })
            }
            Self { section: Some(_), .. } => Err(missing("quantity", "is required with section: say how many seats")),
            Self { quantity: Some(_), .. } | Self { category: Some(_), .. } => {
                Err(missing("section", "is required with quantity: say which section"))
            }
            Self { .. } => Err(missing("seats", "is required: name seats, or a section and a quantity")),
        }
    }
}

/// Asks for seats. The same key again gets the same outcome; `Prefer: wait=N` says how long to wait for it.
#[utoipa::path(post, path = "/v1/events/{event}/bookings", operation_id = "book_seats", tag = TAG, security(("access" = [])),
    params(
        ("event" = Uuid, Path),
        ("Entry-Token" = Option<String>, Header, description = "from claiming one's place; without it where a room that fails open is lost"),
        ("Idempotency-Key" = String, Header, description = "names this request, 1 to 64 printable ASCII characters"),
        ("Prefer" = Option<String>, Header, description = "wait=N, 0 to 30 seconds; 2 if it is left out"),
    ),
    request_body = SeatRequest, responses(
    (status = 201, description = "held", body = BookingBody),
    (status = 202, description = "accepted, not decided yet", body = PendingBody),
    (status = 401, body = ProblemDocument),
    (status = 403, description = "entry_token_missing, _expired, _invalid, _foreign, category_not_offered", body = ProblemDocument),
    (status = 409, description = "seats_sold, seats_held, seats_yours, contended, not_together, limit_reached, not_on_sale, sale_closed, request_cancelled, booking_failed, sale_stopped, onsale_of_another", body = ProblemDocument),
    (status = 422, description = "also idempotency_key_reused", body = ProblemDocument),
    (status = 429, description = "too_many_undecided, too_many_refusals", body = ProblemDocument),
    (status = 503, description = "not accepted, or not known: repeat with the same key", body = ProblemDocument),
))]
pub(crate) async fn create(State(app): State<App>, asking: Asking, Json(body): Json<SeatRequest>) -> Result<Response, Problem> {
    // Not before the body is here: one that never comes would keep the place.
    let place = app.turns.place().ok_or_else(overloaded)?;
    let work = app.work.clone();
    apart(&work, async move {
        let turn = place.turn().await;
        let Asking { caller, event: id, admitted, key, wait } = asking;
        let event = app.catalog.with_seats(&caller.subject(), Action::BookSeats, id).await?;
        // The sale may have been stopped while the body was on its way.
        let categories = admitted.still(&app)?;
        let told = Refused { count_field: body.count_field() };
        let choice = body.into_choice()?;
        if event.status == EventStatus::Draft {
            return Err(told.problem(&RefusalReason::NotOnSale.into()));
        }
        let request = NewRequest { account: caller.account, event: &event, categories, key, choice, wait, turn };
        respond(&app, id, &told, book(&app, request).await?).await
    })
    .await
}

async fn respond(app: &App, event: EventId, told: &Refused, booked: Booked) -> Result<Response, Problem> {
    match booked {
        Booked::Accepted { booking } => {
            let location = [(header::LOCATION, url(booking))];
            Ok((StatusCode::ACCEPTED, location, axum::Json(PendingBody::new(booking))).into_response())
        }
        Booked::Hopeless(refusal) => Err(told.problem(&refusal)),
        Booked::Decided(decided) => {
            let mut response = answer(app, event, told, &decided).await?;
            if decided.replayed {
                response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            }
            Ok(response)
        }
    }
}

/// The same outcome gives the same answer, however often and wherever it is asked for.
async fn answer(app: &App, event: EventId, told: &Refused, decided: &Decided) -> Result<Response, Problem> {
    match &decided.outcome {
        Outcome::Held { booking, held } => {
            let body: BookingBody = Shown::load(app, event).await?.held(*booking, held, &decided.prices);
            Ok((StatusCode::CREATED, [(header::LOCATION, url(*booking))], axum::Json(body)).into_response())
        }
        Outcome::Refused { refusal, .. } => Ok(told.problem(refusal).into_response()),
    }
}

//! `GET /v1/bookings/{booking}/tickets`, `GET /v1/tickets/{ticket}.pdf`

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use goticket_domain::booking::Order;
use goticket_domain::{BookingId, TicketId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{BookedSeat, Shown, TAG};
use crate::app::caller::Caller;
use crate::app::list_tickets::{TicketView, list_tickets};
use crate::app::show_ticket::show_ticket;
use crate::fault::Fault;
use crate::inbound::openapi::Binary;
use crate::inbound::parts::Path;
use crate::inbound::problem::{FieldError, Problem, ProblemCode, ProblemDocument};
use crate::services::App;

/// A booking's tickets.
#[derive(Serialize, ToSchema)]
pub(crate) struct TicketList {
    /// Empty until the booking is confirmed.
    items: Vec<TicketBody>,
}

/// The right to one seat.
#[derive(Serialize, ToSchema)]
pub(crate) struct TicketBody {
    id: Uuid,
    seat: BookedSeat,
    /// What the QR code carries.
    code: String,
    pdf_url: String,
}

/// The tickets of one of the caller's bookings. None of a request that was refused, or is still to be decided.
#[utoipa::path(get, path = "/v1/bookings/{booking}/tickets", operation_id = "list_tickets", tag = TAG, security(("access" = [])),
    params(("booking" = Uuid, Path)), responses(
    (status = 200, body = TicketList),
    (status = 404, body = ProblemDocument),
    (status = 422, description = "idempotency_key_reused: the request's key was decided for another one", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<BookingId>,
) -> Result<impl IntoResponse, Problem> {
    let items = match list_tickets(&app, &caller.subject(), id).await? {
        Some((booking, tickets)) => of_order(&app, booking.order(), tickets).await?,
        None => Vec::new(),
    };
    Ok(([(header::CACHE_CONTROL, "private, no-store")], axum::Json(TicketList { items })))
}

async fn of_order(app: &App, order: &Order, tickets: Vec<TicketView>) -> Result<Vec<TicketBody>, Fault> {
    let shown = Shown::load(app, order.event).await?;
    let price = |seat| order.seats.iter().zip(&order.prices).find(|(no, _)| no.0 == seat).map_or(0, |(_, price)| *price);
    let body = |ticket: TicketView| TicketBody {
        id: ticket.id.0,
        seat: shown.seat(ticket.seat, price(ticket.seat)),
        code: ticket.code,
        pdf_url: format!("/v1/tickets/{}.pdf", ticket.id),
    };
    Ok(tickets.into_iter().map(body).collect())
}

/// A ticket as a PDF page.
#[utoipa::path(get, path = "/v1/tickets/{file}", operation_id = "show_ticket", tag = TAG, security(("access" = [])),
    params(("file" = String, Path, description = "the ticket's id and `.pdf`")), responses(
    (status = 200, content_type = "application/pdf", body = Binary),
    (status = 404, body = ProblemDocument),
    (status = 503, description = "not rendered yet", body = ProblemDocument),
))]
pub(crate) async fn pdf(State(app): State<App>, caller: Caller, Path(file): Path<String>) -> Result<impl IntoResponse, Problem> {
    let id: Option<TicketId> = file.strip_suffix(".pdf").and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| {
        Problem::new(ProblemCode::InvalidPath, "The path must end with a ticket's id and .pdf: copy it from pdf_url.")
            .with_error(FieldError::path("file", "must be a UUID and .pdf: copy it from pdf_url"))
    })?;
    let pdf = show_ticket(&app, &caller.subject(), id).await?.ok_or_else(|| {
        Problem::new(ProblemCode::NotRendered, "The ticket is still being printed. Repeat the request.").retry_after(2)
    })?;
    let name = format!("inline; filename=\"ticket-{id}.pdf\"");
    let headers = [
        (header::CONTENT_TYPE, "application/pdf".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, pdf))
}

//! `POST /v1/events`

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use goticket_domain::queue::{RoomMode, RoomSettings, WhenDown};
use goticket_domain::seating::StandingArea;
use goticket_domain::{OrganizationId, VenueId};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{EventBody, TAG};
use crate::app::caller::Caller;
use crate::app::create_event::{NewEvent, create_event};
use crate::inbound::json::Json;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::inbound::queue::AutoBody;
use crate::services::App;

/// An event to prepare.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventDraft {
    venue: Uuid,
    /// To which it belongs: the venue's, which it is if it is left out.
    organization: Option<Uuid>,
    title: String,
    /// ISO 4217 code.
    currency: String,
    starts_at: Timestamp,
    lobby_opens_at: Timestamp,
    onsale_at: Timestamp,
    /// How long seats are held, 30 to 3600.
    hold_seconds: u32,
    /// Tickets one account may have, 1 to 50.
    ticket_limit: u32,
    /// One per category that has places.
    prices: Vec<Price>,
    /// Areas of the plan to be sold as standing sections.
    #[serde(default)]
    #[schema(value_type = Vec<Standing>)]
    standing: Vec<StandingArea>,
    #[serde(default)]
    queue: QueueSettings,
}

/// What a seat of a category costs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    /// The category's name.
    category: String,
    amount_minor: i64,
}

/// An area to be sold as a standing section.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the domain's type")]
pub(crate) struct Standing {
    area: String,
    category: String,
    name: Option<String>,
    capacity: u32,
}

/// The waiting room's settings; what is left out has its default.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueSettings {
    rate_per_min: Option<u32>,
    /// Instead: between which the rate moves with the booking pipeline.
    auto: Option<AutoBody>,
    burst: Option<u32>,
    active_cap: Option<u32>,
    claim_window_s: Option<u32>,
    session_s: Option<u32>,
    message: Option<String>,
    /// Whether the room closes by itself when everything is sold.
    close_when_sold_out: Option<bool>,
    /// `queue` or `shadow`.
    #[schema(value_type = Option<String>)]
    mode: Option<RoomMode>,
    /// Joins in a minute below which who joins has their turn at once, 1 to 6000.
    open_below: Option<u32>,
    /// `fail_closed` or `fail_open`.
    #[schema(value_type = Option<String>)]
    when_down: Option<WhenDown>,
}

impl From<QueueSettings> for RoomSettings {
    fn from(set: QueueSettings) -> Self {
        let usual = Self::default();
        Self {
            rate_per_min: set.rate_per_min.unwrap_or(usual.rate_per_min),
            auto: set.auto.map(Into::into),
            burst: set.burst.unwrap_or(usual.burst),
            active_cap: set.active_cap.unwrap_or(usual.active_cap),
            claim_window_s: set.claim_window_s.unwrap_or(usual.claim_window_s),
            session_s: set.session_s.unwrap_or(usual.session_s),
            selling: usual.selling,
            message: set.message.unwrap_or(usual.message),
            close_when_sold_out: set.close_when_sold_out.unwrap_or(usual.close_when_sold_out),
            mode: set.mode.unwrap_or(usual.mode),
            open_below: set.open_below,
            when_down: set.when_down.unwrap_or(usual.when_down),
            entry: usual.entry,
        }
    }
}

/// Prepares an event: numbers the venue's places and prices them.
#[utoipa::path(post, path = "/v1/events", operation_id = "create_event", tag = TAG, security(("access" = [])), request_body = EventDraft, responses(
    (status = 201, body = EventBody),
    (status = 403, body = ProblemDocument),
    (status = 422, body = ProblemDocument),
))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<EventDraft>,
) -> Result<impl IntoResponse, Problem> {
    let new = NewEvent {
        venue: VenueId(body.venue),
        organization: body.organization.map(OrganizationId),
        title: body.title,
        currency: body.currency,
        starts_at: body.starts_at,
        lobby_opens_at: body.lobby_opens_at,
        onsale_at: body.onsale_at,
        hold_seconds: body.hold_seconds,
        ticket_limit: body.ticket_limit,
        prices: body.prices.into_iter().map(|price| (price.category, price.amount_minor)).collect(),
        standing: body.standing,
        queue: body.queue.into(),
    };
    let event = create_event(&app, &caller.subject(), new).await?;
    let location = format!("/v1/events/{}", event.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(EventBody::from(&event))))
}

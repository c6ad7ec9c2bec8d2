//! The API's description, made from the code. Checked in as `gateway/openapi.json`; a test fails when that is stale.

mod answers;

use utoipa::ToSchema;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;

use super::{auth, bookings, events, organizations, problems, queue, venues, webhook};
use crate::services::App;

const DESCRIPTION: &str = "Virtual waiting room and ticket sale. Errors are RFC 9457 problem documents: `code` is for machines, \
`errors` names what is wrong with each field. Times are RFC 3339 in UTC, money is minor units with an ISO 4217 code. Unknown \
fields are refused.";

/// What the API is called and how one logs in.
pub(super) fn base() -> OpenApi {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let mut components = Components::new();
    components.add_security_scheme("access", SecurityScheme::Http(bearer));
    let info = InfoBuilder::new().title("GoTicket").version("1").description(Some(DESCRIPTION)).build();
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}

/// What the routers say of their operations, and what all of them have in common.
pub(super) fn described(api: OpenApi) -> OpenApi {
    answers::with_common_answers(api)
}

/// The OpenAPI 3.1 document as it is served at `/openapi.json`, and as it is checked in: one member per line.
pub fn document() -> String {
    let all: OpenApiRouter<App> = OpenApiRouter::with_openapi(base())
        .merge(problems::router())
        .merge(auth::routes())
        .merge(organizations::router())
        .merge(venues::router())
        .merge(events::router())
        .merge(queue::router())
        .merge(bookings::asking_router())
        .merge(bookings::cancelling_router())
        .merge(bookings::router())
        .merge(webhook::router());
    let mut text = described(all.into_openapi()).to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// Bytes that are no text.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(crate) struct Binary(#[expect(dead_code, reason = "only described")] Vec<u8>);

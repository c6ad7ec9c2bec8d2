//! `GET|POST|DELETE /v1/events/{event}/queue/group`

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, StatusCode, header};
use goticket_domain::policy::Action;
use goticket_domain::queue::Group;
use goticket_domain::{AccountId, EventId};
use serde::Serialize;
use utoipa::ToSchema;

use super::TAG;
use crate::app::caller::Caller;
use crate::fault::Fault;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// Some people who stand in one place: the leader's.
#[derive(Serialize, ToSchema)]
pub(crate) struct GroupBody {
    /// To be sent as `Join-Group` by those who are to stand in it, too. Whoever has it can, as long as there is room.
    code: String,
    /// How many stand in it, the leader included.
    size: u8,
    /// How many may.
    largest: u8,
    /// The place is the caller's own: they claim it when its turn comes, and book for all.
    leads: bool,
}

impl From<Group> for GroupBody {
    fn from(Group { code, size, largest, leads }: Group) -> Self {
        Self { code, size, largest, leads }
    }
}

/// Of a room that there is, by an account, and no more often than it may.
pub(crate) struct Asked {
    event: EventId,
    account: AccountId,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = <Caller as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        let Path(event) = <Path<EventId> as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        let ConnectInfo(peer) = <ConnectInfo<SocketAddr> as FromRequestParts<App>>::from_request_parts(parts, app)
            .await
            .map_err(|error| Fault::Bug(error.to_string()))?;
        app.queue_limits.group(caller.account, app.addresses.network(peer, &parts.headers))?;
        let action = match parts.method {
            Method::POST => Action::MakeGroup,
            Method::DELETE => Action::LeaveGroup,
            _ => Action::ShowGroup,
        };
        super::expect_room(app, &caller.subject(), action, event).await?;
        Ok(Self { event, account: caller.account })
    }
}

type Shown = ([(HeaderName, &'static str); 1], axum::Json<GroupBody>);

fn shown(group: Group) -> Shown {
    ([(header::CACHE_CONTROL, "private, no-store")], axum::Json(group.into()))
}

/// The group in which the caller stands.
#[utoipa::path(get, path = "/v1/events/{event}/queue/group", operation_id = "show_group", tag = TAG, security(("access" = [])), params(("event" = Uuid, Path)),
    responses(
    (status = 200, body = GroupBody),
    (status = 404, description = "event_not_found, in_no_group", body = ProblemDocument),
    (status = 429, description = "rate_limited", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn show(State(app): State<App>, Asked { event, account }: Asked) -> Result<Shown, Problem> {
    Ok(shown(app.waiting_room.group(event, account).await?))
}

/// Makes a group of the caller's place in the lobby, or finds the one in which they stand. Until the lobby closes others can join it by its code.
#[utoipa::path(post, path = "/v1/events/{event}/queue/group", operation_id = "make_group", tag = TAG, security(("access" = [])), params(("event" = Uuid, Path)),
    responses(
    (status = 200, body = GroupBody),
    (status = 404, body = ProblemDocument),
    (status = 409, description = "room_not_open, room_closed, groups_not_allowed, group_needs_place, group_closed", body = ProblemDocument),
    (status = 429, description = "rate_limited", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn make(State(app): State<App>, Asked { event, account }: Asked) -> Result<Shown, Problem> {
    Ok(shown(app.waiting_room.make_group(event, account).await?))
}

/// Leaves the group: the caller stands in the lobby alone again, and finds that place by a join. Where they lead the group it ends, and everyone
/// does.
#[utoipa::path(delete, path = "/v1/events/{event}/queue/group", operation_id = "leave_group", tag = TAG, security(("access" = [])), params(("event" = Uuid, Path)),
    responses(
    (status = 204, description = "left, or was in none"),
    (status = 404, body = ProblemDocument),
    (status = 409, description = "room_not_open, room_closed, group_closed", body = ProblemDocument),
    (status = 429, description = "rate_limited", body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn leave(State(app): State<App>, Asked { event, account }: Asked) -> Result<StatusCode, Problem> {
    app.waiting_room.leave_group(event, account).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Accounts and sessions.

mod end_session;
mod end_sessions;
mod jwks;
mod login;
mod logout;
mod mailed_page;
mod me;
mod password;
mod password_reset;
mod refresh;
mod register;
mod sessions;
mod verify_email;

use goticket_domain::identity::Role;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::rate_limit;
use crate::app::look_up_account::Account;
use crate::app::sessions::Session;
use crate::services::App;

pub(crate) const TAG: &str = "auth";

/// An account as its holder sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountBody {
    id: Uuid,
    email: String,
    name: String,
    /// `user`, `organizer` or `admin`.
    #[schema(value_type = String)]
    role: Role,
    /// When the holder showed that the address is theirs; null where they have not.
    email_verified_at: Option<Timestamp>,
}

impl From<Account> for AccountBody {
    fn from(account: Account) -> Self {
        let Account { id, email, name, role, email_verified_at } = account;
        Self { id: id.0, email, name, role, email_verified_at }
    }
}

/// A session that began or goes on.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionBody {
    account: AccountBody,
    /// For `Authorization: Bearer`.
    access_token: String,
    access_expires_at: Timestamp,
    /// To be used once, for the next session body.
    refresh_token: String,
    refresh_expires_at: Timestamp,
}

impl From<Session> for SessionBody {
    fn from(session: Session) -> Self {
        Self {
            account: session.account.into(),
            access_token: session.access_token,
            access_expires_at: session.access_expires_at,
            refresh_token: session.refresh_token,
            refresh_expires_at: session.refresh_expires_at,
        }
    }
}

/// The limited endpoints and the others.
fn parts() -> (OpenApiRouter<App>, OpenApiRouter<App>) {
    let limited = OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(verify_email::page, verify_email::verify))
        .routes(routes!(verify_email::send))
        .routes(routes!(password::change))
        .routes(routes!(password_reset::page, password_reset::request))
        .routes(routes!(password_reset::confirm));
    let free = OpenApiRouter::new()
        .routes(routes!(logout::logout))
        .routes(routes!(me::me))
        .routes(routes!(sessions::list, end_sessions::end_all))
        .routes(routes!(end_session::end))
        .routes(routes!(jwks::jwks));
    (limited, free)
}

/// Without the limit on attempts: for the API's description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    let (limited, free) = parts();
    limited.merge(free)
}

pub(crate) fn router(app: &App) -> OpenApiRouter<App> {
    let (limited, free) = parts();
    limited.route_layer(axum::middleware::from_fn_with_state(app.clone(), rate_limit::auth_layer)).merge(free)
}

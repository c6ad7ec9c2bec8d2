//! Who calls, from the access token. What they may do is decided by the use cases.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::{header, request::Parts};
use jiff::Timestamp;
use uuid::Uuid;

use super::parts::header_text;
use super::problem::{Problem, ProblemCode, TokenNames};
use crate::app::caller::Caller;
use crate::services::App;

pub(super) const NAMES: TokenNames = TokenNames {
    header: "Authorization",
    missing: ProblemCode::AccessTokenMissing,
    expired: ProblemCode::AccessTokenExpired,
    invalid: ProblemCode::AccessTokenInvalid,
    foreign: ProblemCode::AccessTokenInvalid,
    fix: "log in, or refresh, and send Bearer and the access token",
};

/// Anybody who is logged in.
impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let session = <Session as FromRequestParts<App>>::from_request_parts(parts, app).await?;
        Ok(session.caller)
    }
}

/// Anybody who is logged in, and until when: for answers that outlast the moment the token was looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) caller: Caller,
    /// Its id: what ends and is listed.
    pub(crate) id: Uuid,
    /// Without the leeway.
    pub(crate) expires_at: Timestamp,
}

impl FromRequestParts<App> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let value = header_text(&parts.headers, header::AUTHORIZATION.as_str()).unwrap_or_default();
        let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, token) = token.ok_or_else(|| Problem::missing_token(&NAMES))?;
        let claims = app.access.verify(token.trim(), app.now()).map_err(|error| Problem::bad_token(&NAMES, &error))?;
        if app.sessions.ended.has(claims.family) {
            return Err(Problem::session_ended(NAMES.header));
        }
        let caller = Caller { account: claims.account };
        Ok(Self { caller, id: claims.family, expires_at: claims.expires_at })
    }
}

/// Whoever, logged in or not; a token that is there must be good.
impl OptionalFromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Problem> {
        let session = <Session as OptionalFromRequestParts<App>>::from_request_parts(parts, app).await?;
        Ok(session.map(|session| session.caller))
    }
}

/// The same.
impl OptionalFromRequestParts<App> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Problem> {
        if !parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(None);
        }
        <Self as FromRequestParts<App>>::from_request_parts(parts, app).await.map(Some)
    }
}

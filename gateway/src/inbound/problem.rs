//! The only place where errors become HTTP: RFC 9457 problem documents. What the client did wrong names the field and the fix; what
//! we did wrong gives an id to find it in the logs, never the cause.

mod booking;
mod catalog;
mod code;
mod entry;
mod group;
mod identity;
mod organization;
mod policy;
mod queue;
mod sessions;
mod streams;

pub(crate) use booking::Refused;
pub(crate) use code::{Meaning, ProblemCode};
pub(crate) use entry::ChallengeBody;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use goticket_domain::BookingId;
use goticket_tokens::TokenError;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::request_id;
use crate::fault::Fault;

/// Seconds after which an overloaded or recovering server is worth another try.
const RETRY_AFTER_S: u32 = 1;

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct Problem {
    code: ProblemCode,
    detail: Box<str>,
    errors: Vec<FieldError>,
    retry_after_s: Option<u32>,
    until: Option<Timestamp>,
    booking: Option<BookingId>,
    proof: Option<Box<ChallengeBody>>,
}

/// One field that is wrong, and the fix. Exactly one of the places is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// RFC 6901 pointer into the body; the empty one is the body as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    /// Name of a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) header: Option<String>,
    /// Name of a query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<String>,
    /// Name of a part of the path; `path` is the whole of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// What is wrong, and what to do.
    pub(crate) message: String,
}

/// An RFC 9457 problem document.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProblemDocument {
    /// `/problems/<code>`.
    #[serde(rename = "type")]
    kind: String,
    /// The code in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened and what to do.
    detail: String,
    code: ProblemCode,
    /// Finds this request in the logs.
    request_id: String,
    /// Which fields are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// Of `seats_held`: when the last of them comes back, unless it is paid for.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// Of `seats_yours`: the caller's own booking that has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    booking: Option<Uuid>,
    /// Of `proof_required` and the like: what is to be solved.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<Box<ChallengeBody>>,
}

impl ProblemDocument {
    /// What every answer with this code says, whatever the occasion.
    pub(crate) fn example(code: ProblemCode) -> Self {
        let meaning = code.meaning();
        Self {
            kind: format!("/problems/{}", meaning.code),
            title: code.title(),
            status: meaning.status.as_u16(),
            detail: format!("{} {}", meaning.means, meaning.fix),
            code,
            request_id: Uuid::nil().to_string(),
            errors: Vec::new(),
            until: None,
            booking: None,
            challenge: None,
        }
    }
}

impl FieldError {
    pub(crate) fn pointer(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), message: message.into(), ..Self::default() }
    }

    /// The body as a whole.
    pub(crate) fn body(message: impl Into<String>) -> Self {
        Self::pointer("", message)
    }

    pub(crate) fn header(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { header: Some(name.into()), message: message.into(), ..Self::default() }
    }

    pub(crate) fn query(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { query: Some(name.into()), message: message.into(), ..Self::default() }
    }

    pub(crate) fn path(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: Some(name.into()), message: message.into(), ..Self::default() }
    }
}

impl Problem {
    /// With `Retry-After`, where it is the server that cannot for the moment.
    pub(crate) fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        let unavailable = code.meaning().status == StatusCode::SERVICE_UNAVAILABLE;
        Self {
            code,
            detail: detail.into().into_boxed_str(),
            errors: Vec::new(),
            retry_after_s: unavailable.then_some(RETRY_AFTER_S),
            until: None,
            booking: None,
            proof: None,
        }
    }

    /// Fields of the body with values that are not allowed.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{}: {}", only.pointer.as_deref().unwrap_or("the body"), only.message),
            several => format!("{} fields are not as they must be; see errors", several.len()),
        };
        Self::new(ProblemCode::InvalidField, detail).with_errors(errors)
    }

    /// A bug. The cause goes to the log, where the request id finds it.
    pub(crate) fn internal(cause: &str) -> Self {
        tracing::error!(cause, "a request failed");
        let detail = "Something went wrong on our side. Tell us the request id and we can find out what.";
        Self::new(ProblemCode::InternalError, detail)
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> ProblemCode {
        self.code
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.code.meaning().status
    }

    pub(crate) fn with_error(mut self, error: FieldError) -> Self {
        self.errors.push(error);
        self
    }

    pub(crate) fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors.extend(errors);
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.meaning().status;
        let document = ProblemDocument {
            detail: self.detail.into_string(),
            request_id: request_id::current(),
            errors: self.errors,
            until: self.until,
            booking: self.booking.map(|booking| booking.0),
            challenge: self.proof,
            ..ProblemDocument::example(self.code)
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code.asks_for_access_token() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unavailable { what, cause } => {
                tracing::warn!(what, cause, "a request was turned away");
                Self::new(ProblemCode::Unavailable, format!("For the moment {what} does not answer. Repeat the request."))
            }
            Fault::Bug(cause) => Self::internal(&cause),
        }
    }
}

/// What is wrong with a token, by the name of its header and the prefix of its codes.
pub(crate) struct TokenNames {
    pub(crate) header: &'static str,
    pub(crate) missing: ProblemCode,
    pub(crate) expired: ProblemCode,
    pub(crate) invalid: ProblemCode,
    pub(crate) foreign: ProblemCode,
    /// How to get another one.
    pub(crate) fix: &'static str,
}

impl Problem {
    pub(crate) fn missing_token(names: &TokenNames) -> Self {
        let message = format!("is missing: {}", names.fix);
        Self::new(names.missing, format!("This needs the header {}: {}.", names.header, names.fix))
            .with_error(FieldError::header(names.header, message))
    }

    pub(crate) fn bad_token(names: &TokenNames, error: &TokenError) -> Self {
        let message = format!("{error}: {}", names.fix);
        let code = match error {
            TokenError::Expired { .. } => names.expired,
            TokenError::WrongEvent | TokenError::WrongAccount => names.foreign,
            TokenError::Malformed
            | TokenError::BadSignature
            | TokenError::UnknownKey
            | TokenError::WrongPurpose
            | TokenError::NotYetValid => names.invalid,
        };
        Self::new(code, format!("{}: {message}.", names.header)).with_error(FieldError::header(names.header, message))
    }
}

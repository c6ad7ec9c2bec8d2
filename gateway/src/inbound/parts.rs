//! Paths, queries and headers, read with an answer that names what is wrong.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, path::ErrorKind};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::{FieldError, Problem, ProblemCode};

/// Most items of a page; also how many an unasked page has.
pub(crate) const PAGE_MAX: u32 = 100;

/// A part of the path, e.g. an event's id.
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(bad_path(&rejection)),
        }
    }
}

fn bad_path(rejection: &PathRejection) -> Problem {
    let PathRejection::FailedToDeserializePathParams(error) = rejection else {
        return Problem::internal(&rejection.body_text());
    };
    let name = match error.kind() {
        ErrorKind::ParseErrorAtKey { key, .. } | ErrorKind::DeserializeError { key, .. } => key.clone(),
        _ => "id".to_owned(),
    };
    Problem::new(ProblemCode::InvalidPath, format!("The {name} in the path is not a UUID: copy it from where you got it."))
        .with_error(FieldError::path(name, "must be a UUID: copy it from where you got it"))
}

/// The query string.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(bad_query(&rejection.body_text())),
        }
    }
}

/// axum puts the path of the parameter before the cause.
fn bad_query(text: &str) -> Problem {
    let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    let (name, message) = match text.split_once(": ") {
        Some((name, message)) => (name, message),
        None => (text.split('`').nth(1).unwrap_or("?"), text),
    };
    Problem::new(ProblemCode::InvalidQuery, format!("Query parameter {name}: {message}."))
        .with_error(FieldError::query(name, message))
}

/// A page's size, 1 to [`PAGE_MAX`].
pub(crate) fn page_size(limit: Option<u32>) -> Result<u32, Problem> {
    page_size_to(PAGE_MAX, limit)
}

/// The size of a page of at most so many; that many if it is left out.
pub(crate) fn page_size_to(most: u32, limit: Option<u32>) -> Result<u32, Problem> {
    match limit {
        None => Ok(most),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(_) => {
            let message = format!("must be 1 to {most}");
            Err(Problem::new(ProblemCode::InvalidQuery, format!("Query parameter limit {message}."))
                .with_error(FieldError::query("limit", message)))
        }
    }
}

/// A header's text; None where it is missing, more than once, or no text.
pub(crate) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

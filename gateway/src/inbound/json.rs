//! JSON bodies: whatever is wrong with one is said with a pointer to the field and the fix.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use super::body::{self, BodyPace};
use super::limits::BodyMax;
use super::problem::{FieldError, Problem, ProblemCode};
use super::slots;

/// A body that was JSON of the right shape.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let JsonBytes(bytes) = JsonBytes::from_request(request, state).await?;
        parse(&bytes).map(Self)
    }
}

/// A body that says it is JSON; large ones are parsed where they don't hold up others.
pub(crate) struct JsonBytes(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !says_json(request.headers()) {
            let fix = "must be application/json";
            return Err(Problem::new(
                ProblemCode::UnsupportedMediaType,
                "The body must be JSON: send it with Content-Type: application/json.",
            )
            .with_error(FieldError::header("Content-Type", fix)));
        }
        read(request).await.map(Self)
    }
}

/// The raw body, within the route's limit.
pub(crate) struct RawBody(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request).await.map(Self)
    }
}

/// Reads a body, which is an object, as `T`.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde would take a list for an object, member by member.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        let other: Result<IgnoredAny, _> = serde_json::from_slice(bytes);
        return Err(other.map_or_else(
            |error| malformed(&error),
            |_| {
                Problem::new(ProblemCode::WrongType, "The body must be a JSON object.")
                    .with_error(FieldError::body("must be an object: put its members between { and }"))
            },
        ));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().clone();
        wrong(&path, error.inner())
    })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn says_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// When the body is there its work begins.
async fn read(request: Request) -> Result<Bytes, Problem> {
    let (parts, body) = request.into_parts();
    let max = parts.extensions.get().copied().unwrap_or(BodyMax::USUAL);
    let pace = parts.extensions.get().copied().unwrap_or(BodyPace::USUAL);
    let bytes = body::read(body, max, pace).await?;
    slots::begin(&parts)?;
    Ok(bytes)
}

fn malformed(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let detail = format!("The body is not JSON: {} at line {line}, column {column}.", bare(error));
    Problem::new(ProblemCode::MalformedJson, detail)
        .with_error(FieldError::body(format!("is not JSON at line {line}, column {column}: correct it")))
}

/// serde's messages are the only form in which it says which field is unknown or missing.
fn wrong(path: &Path, error: &serde_json::Error) -> Problem {
    if error.classify() != Category::Data {
        return malformed(error);
    }
    let (parent, message) = (pointer(path), bare(error));
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let name = quoted(rest);
        let at = if parent.ends_with(&format!("/{name}")) { parent } else { format!("{parent}/{name}") };
        let fix = rest.split_once(", ").map_or("remove it".to_owned(), |(_, known)| format!("remove it; {known}"));
        return Problem::new(ProblemCode::UnknownField, format!("{at} is not known: {fix}."))
            .with_error(FieldError::pointer(at, format!("is not known: {fix}")));
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        let at = format!("{parent}/{}", quoted(rest));
        return Problem::new(ProblemCode::MissingField, format!("{at} is required: add it."))
            .with_error(FieldError::pointer(at, "is required: add it"));
    }
    let code = if message.starts_with("invalid type") { ProblemCode::WrongType } else { ProblemCode::InvalidField };
    let place = if parent.is_empty() { "The body" } else { &parent };
    Problem::new(code, format!("{place}: {message}.")).with_error(FieldError::pointer(parent.clone(), message))
}

/// The message without serde_json's own position.
fn bare(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.split(" at line ").next().unwrap_or(&message).to_owned()
}

/// What stands between the first pair of backticks.
fn quoted(text: &str) -> String {
    text.split('`').nth(1).unwrap_or_default().to_owned()
}

/// RFC 6901, section 3.
fn pointer(path: &Path) -> String {
    let mut text = String::new();
    for segment in path {
        let step = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        text.push('/');
        text.push_str(&step);
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Outer {
        name: String,
        #[serde(default)]
        items: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        count: u32,
    }

    #[test]
    fn every_fault_of_a_body_has_a_code_and_a_pointer() {
        let rows = [
            ("{", "malformed_json", ""),
            ("", "malformed_json", ""),
            (r#"{"name":"a"} x"#, "malformed_json", ""),
            ("[]", "wrong_type", ""),
            (r#"["a"]"#, "wrong_type", ""),
            ("null", "wrong_type", ""),
            ("nul", "malformed_json", ""),
            ("{}", "missing_field", "/name"),
            (r#"{"name":7}"#, "wrong_type", "/name"),
            (r#"{"name":"a","b":1}"#, "unknown_field", "/b"),
            (r#"{"name":"a","items":{}}"#, "wrong_type", "/items"),
            (r#"{"name":"a","items":[{"count":1},{}]}"#, "missing_field", "/items/1/count"),
            (r#"{"name":"a","items":[{"count":-1}]}"#, "invalid_field", "/items/0/count"),
            (r#"{"name":"a","items":[{"count":1,"x":2}]}"#, "unknown_field", "/items/0/x"),
        ];
        for (body, code, at) in rows {
            let problem = parse::<Outer>(body.as_bytes()).unwrap_err();
            let text = format!("{problem:?}");
            assert_eq!(problem.code().meaning().code, code, "{body}: {text}");
            assert!(text.contains(&format!("pointer: Some({at:?})")), "{body}: {text}");
        }
    }
}

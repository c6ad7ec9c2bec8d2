//! `GET /problems` and `GET /problems/{code}`: where the `type` of a problem leads.

use std::fmt::Write as _;

use axum::extract::Path;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::parts::header_text;
use super::problem::{FieldError, Meaning, Problem, ProblemCode, ProblemDocument};
use crate::services::App;

const TAG: &str = "problems";
const PAGE: &str = include_str!("problems.html");
/// The page has nothing but words.
const PAGE_MAY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
/// They change with a version of the gateway only.
const CACHED: &str = "public, max-age=3600";

/// What a code means.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProblemMeaning {
    code: ProblemCode,
    /// The code in words.
    title: String,
    /// The HTTP status that it comes with.
    status: u16,
    /// What happened.
    means: &'static str,
    /// What to do.
    fix: &'static str,
    /// An answer that has it.
    example: ProblemDocument,
}

impl From<ProblemCode> for ProblemMeaning {
    fn from(code: ProblemCode) -> Self {
        let Meaning { status, means, fix, .. } = code.meaning();
        Self { code, title: code.title(), status: status.as_u16(), means, fix, example: ProblemDocument::example(code) }
    }
}

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(all)).routes(routes!(one))
}

/// Every code that a problem can have: as a page for those who take HTML, or else as JSON.
#[utoipa::path(get, path = "/problems", operation_id = "list_problems", tag = TAG, responses(
    (status = 200, content((Vec<ProblemMeaning> = "application/json"), (String = "text/html"))),
))]
async fn all(headers: HeaderMap) -> Response {
    shown(&headers, "Problems", ProblemCode::ALL.iter().copied().map(ProblemMeaning::from).collect::<Vec<_>>(), ProblemCode::ALL)
}

/// What one of them means, and what to do.
#[utoipa::path(get, path = "/problems/{code}", operation_id = "show_problem", tag = TAG, params(("code" = ProblemCode, Path)), responses(
    (status = 200, content((ProblemMeaning = "application/json"), (String = "text/html"))),
    (status = 404, body = ProblemDocument),
))]
async fn one(Path(code): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let code = ProblemCode::named(&code).ok_or_else(|| {
        Problem::new(ProblemCode::RouteNotFound, "No problem has this code. GET /problems lists all.")
            .with_error(FieldError::path("code", "is no problem's: take one of GET /problems"))
    })?;
    Ok(shown(&headers, &code.title(), ProblemMeaning::from(code), &[code]))
}

fn shown(headers: &HeaderMap, title: &str, json: impl Serialize, codes: &[ProblemCode]) -> Response {
    let takes_html = header_text(headers, header::ACCEPT.as_str()).is_some_and(|accept| accept.contains("text/html"));
    let kept = [(header::CACHE_CONTROL, CACHED), (header::VARY, "accept")];
    if !takes_html {
        return (kept, axum::Json(json)).into_response();
    }
    let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, PAGE_MAY)];
    (kept, html, page(title, codes)).into_response()
}

fn page(title: &str, codes: &[ProblemCode]) -> String {
    let mut sections = String::new();
    for problem in codes {
        let Meaning { code, status, means, fix } = problem.meaning();
        let example = serde_json::to_string_pretty(&ProblemDocument::example(*problem)).unwrap_or_default();
        let _ = write!(
            sections,
            "<h2 id=\"{code}\"><a href=\"/problems/{code}\">{}</a></h2>\n<p><code>{code}</code>, HTTP {}</p>\n\
             <p>{means}</p>\n<p><b>What to do:</b> {fix}</p>\n<pre>{example}</pre>\n",
            problem.title(),
            status.as_u16(),
        );
    }
    PAGE.replace("{title}", title).replace("{sections}", &sections)
}

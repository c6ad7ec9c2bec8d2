//! What answers have in common, said once for all operations: problems are `application/problem+json`, what may come from any operation is
//! listed at each, and every answer has a description.

use axum::http::StatusCode;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{
    Content, Header, Object, OpenApi, Ref, RefOr, Response, ResponseBuilder, Schema, Type, path::PathItem, schema::SchemaType,
};

const PROBLEM: &str = "#/components/schemas/ProblemDocument";
const PROBLEM_JSON: &str = "application/problem+json";

/// The description with all of that.
pub(super) fn with_common_answers(mut api: OpenApi) -> OpenApi {
    for (path, item) in &mut api.paths.paths {
        for operation in operations(item) {
            for (status, codes) in common(path, operation) {
                let known = &mut operation.responses.responses;
                known.entry(status.as_u16().to_string()).or_insert_with(|| problem(codes).into());
            }
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response {
                    complete(status, response);
                }
            }
        }
    }
    api
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

/// What an operation may answer by what it takes, whatever it does; and which codes that has.
fn common(path: &str, operation: &Operation) -> Vec<(StatusCode, &'static str)> {
    let takes = |place: ParameterIn| {
        let parameters = operation.parameters.iter().flatten();
        parameters.into_iter().any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == place))
    };
    let mut answers = vec![
        (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large"),
        (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
        (StatusCode::SERVICE_UNAVAILABLE, "overloaded, timed_out, unavailable"),
    ];
    if path.contains('{') || takes(ParameterIn::Query) || operation.request_body.is_some() {
        answers.push((StatusCode::BAD_REQUEST, "invalid_path, invalid_query, malformed_json, incomplete_body"));
    }
    if operation.security.is_some() {
        answers.push((StatusCode::UNAUTHORIZED, "access_token_missing, access_token_expired, access_token_invalid"));
    }
    if operation.request_body.is_some() {
        answers.push((StatusCode::REQUEST_TIMEOUT, "body_too_slow"));
        answers.push((StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"));
        answers.push((StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"));
        answers.push((StatusCode::UNPROCESSABLE_ENTITY, "unknown_field, missing_field, wrong_type, invalid_field"));
    }
    answers
}

fn problem(codes: &str) -> Response {
    let schema = Content::new(Some(RefOr::<Schema>::Ref(Ref::new(PROBLEM))));
    ResponseBuilder::new().description(codes).content(PROBLEM_JSON, schema).build()
}

fn complete(status: &str, response: &mut Response) {
    let is_problem = |content: &RefOr<Content>| {
        let RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) = content else { return false };
        schema.ref_location == PROBLEM
    };
    if let Some(content) = response.content.get("application/json").filter(|content| is_problem(content)).cloned() {
        response.content.clear();
        response.content.insert(PROBLEM_JSON.to_owned(), content);
    }
    if response.description.is_empty() {
        let reason = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok()?.canonical_reason());
        reason.unwrap_or_default().clone_into(&mut response.description);
    }
    let mut has = |name: &str, of: Type, description: &str| {
        let schema = Object::builder().schema_type(SchemaType::new(of)).build();
        let mut header = Header::new(schema);
        header.description = Some(description.to_owned());
        response.headers.insert(name.to_owned(), header.into());
    };
    match status {
        "401" => has("WWW-Authenticate", Type::String, "`Bearer`, where another access token is the way out."),
        "429" | "503" => has("Retry-After", Type::Integer, "Seconds after which it is worth another try."),
        _ => {}
    }
}

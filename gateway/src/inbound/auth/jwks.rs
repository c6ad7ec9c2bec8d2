//! `GET /.well-known/jwks.json`

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::TAG;
use crate::services::App;

/// The public keys of access and entry tokens, for other backends.
#[utoipa::path(get, path = "/.well-known/jwks.json", operation_id = "list_keys", tag = TAG, responses((status = 200, body = Value)))]
pub(crate) async fn jwks(State(app): State<App>) -> impl IntoResponse {
    let set = goticket_tokens::jwks(&[app.access_verifier.keys(), app.entry_verifier.keys()]);
    ([(header::CACHE_CONTROL, "public, max-age=30")], axum::Json(set))
}

//! `GET /v1/events/{event}/queue/draw`

use axum::extract::State;
use goticket_domain::EventId;
use goticket_domain::queue::{Commitment, DrawSeed, MerkleRoot};
use serde::Serialize;
use utoipa::ToSchema;

use super::TAG;
use crate::inbound::parts::Path;
use crate::inbound::problem::{Problem, ProblemDocument};
use crate::services::App;

/// What is public of the draw. Hexadecimal SHA-256 values.
#[derive(Serialize, ToSchema)]
pub(crate) struct DrawBody {
    /// Of the secret; published in advance.
    #[schema(value_type = String)]
    commitment: Commitment,
    /// Of the lobby, once it is closed.
    #[schema(value_type = Option<String>)]
    root: Option<MerkleRoot>,
    /// What orders the lobby, once it is drawn.
    #[schema(value_type = Option<String>)]
    seed: Option<DrawSeed>,
}

/// What is public of the draw by now. With the seed every fan computes their own place; the root holds the lobby fast, the
/// commitment the secret that root and seed follow from.
#[utoipa::path(get, path = "/v1/events/{event}/queue/draw", tag = TAG, params(("event" = Uuid, Path)), responses(
    (status = 200, body = DrawBody),
    (status = 404, body = ProblemDocument),
    (status = 503, body = ProblemDocument),
))]
pub(crate) async fn draw(State(app): State<App>, Path(event): Path<EventId>) -> Result<axum::Json<DrawBody>, Problem> {
    let seen = super::board(&app, event).await?;
    let board = &seen.board;
    Ok(axum::Json(DrawBody { commitment: board.commitment, root: board.root, seed: board.seed }))
}

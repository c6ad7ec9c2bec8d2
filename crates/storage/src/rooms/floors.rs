//! Durable floors: what Redis may forget, but the room must not.

use goticket_domain::EventId;
use goticket_domain::queue::Score;
use sqlx::PgPool;

use super::{number, one};
use crate::StorageError;

/// What a tick saw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Floors {
    /// The highest score admitted.
    pub frontier: Option<Score>,
    /// Admitted so far.
    pub admitted: u64,
    /// The next sequence number.
    pub next_sequence: u64,
    /// Inside now.
    pub active: u64,
    /// All of them have gone after so many seconds.
    pub active_for_s: u32,
}

/// Raises the floors; a tick that saw less than another one lowers nothing. `active` is the latest tick's, where the count of
/// admissions tells which one that was.
pub async fn save_floors(pool: &PgPool, event: EventId, floors: Floors) -> Result<(), StorageError> {
    let done = sqlx::query(
        "UPDATE rooms
         SET frontier = greatest(frontier, $2),
             next_sequence = greatest(next_sequence, $4),
             active = CASE WHEN $3 >= admitted THEN $5 ELSE active END,
             active_until = greatest(active_until, clock_timestamp() + make_interval(secs => $6)),
             admitted = greatest(admitted, $3)
         WHERE event = $1",
    )
    .bind(event.0)
    .bind(floors.frontier.map_or(Ok(-1), |frontier| number::<_, i64>("frontier", frontier.as_u64()))?)
    .bind(number::<_, i64>("admitted", floors.admitted)?)
    .bind(number::<_, i64>("next_sequence", floors.next_sequence)?)
    .bind(number::<_, i32>("active", floors.active)?)
    .bind(f64::from(floors.active_for_s))
    .execute(pool)
    .await?;
    one(done.rows_affected(), "save_floors")
}

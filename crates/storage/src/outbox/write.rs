//! Writing to the outbox as it was before lanes: it goes with its last callers.

use goticket_contracts::events::{BOOKINGS_TOPIC, DomainEvent};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::StorageError;

/// Adds domain events about bookings, in this order.
pub async fn insert_events(db: &mut PgConnection, events: &[DomainEvent]) -> Result<(), StorageError> {
    let bodies = events.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
    // The sequence is drawn row by row in the order of the batch. Rows become visible together, with the transaction.
    sqlx::query(
        "INSERT INTO outbox (id, topic, event, type, body)
         SELECT id, $1, event, type, body
         FROM UNNEST($2::uuid[], $3::uuid[], $4::text[], $5::text[]) WITH ORDINALITY AS told (id, event, type, body, place)
         ORDER BY place",
    )
    .bind(BOOKINGS_TOPIC)
    .bind(events.iter().map(|event| event.id).collect::<Vec<Uuid>>())
    .bind(events.iter().map(|event| event.subject.0).collect::<Vec<Uuid>>())
    .bind(events.iter().map(|event| event.fact.type_name()).collect::<Vec<_>>())
    .bind(bodies.map_err(|error| StorageError::Unexpected(error.to_string()))?)
    .execute(db)
    .await?;
    Ok(())
}

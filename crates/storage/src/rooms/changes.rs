//! Which rooms have changed since they were read last: asked several times a second, so that of a thousand rooms only those are read in which
//! something happens.

use goticket_domain::EventId;
use jiff::Timestamp;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::StorageError;

/// A place in the order of the database's transactions: all those before it had ended when it was read. What was read with it lacks nothing
/// that they wrote; whatever was written since has a number from it on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Horizon(pub i64);

/// What has changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changes {
    /// When this was read, by the database's clock.
    pub read_at: Timestamp,
    /// From where the next look goes on.
    pub horizon: Horizon,
    /// The rooms to be read again, in no order.
    pub events: Vec<EventId>,
}

#[derive(FromRow)]
struct Row {
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    read_at: Timestamp,
    horizon: i64,
    events: Vec<Uuid>,
}

/// The rooms of which anything was written `since`, and those in which a step of the schedule is due: time alone makes it so. Of all that are
/// not closed, and those of `also` in whatever state. Without `since`, and where the database has gone back behind it: all of these.
///
/// Some rooms too many are told of, e.g. while a long transaction is under way that began before `since`; none too few.
pub async fn changed(pool: &PgPool, also: &[EventId], since: Option<Horizon>) -> Result<Changes, StorageError> {
    let also: Vec<Uuid> = also.iter().map(|event| event.0).collect();
    // Served by `rooms_alive` and primary keys. A row's xmin is the number of the transaction that wrote it, less its upper half: the age of
    // one is compared with that of the other. A row that is frozen may seem to be younger than it is.
    let row: Row = sqlx::query_as(concat!(
        "SELECT clock_timestamp() AS read_at, n.horizon, ARRAY(
             SELECT r.event
             FROM rooms r JOIN events e ON e.id = r.event JOIN queue_heads h ON h.event = r.event
                  LEFT JOIN room_rates s ON s.event = r.event
             WHERE (r.state <> 'closed' OR r.event = ANY($1))
                 AND (n.since IS NULL OR n.horizon < n.since
                      OR age(r.xmin) <= n.since_age OR age(e.xmin) <= n.since_age OR age(h.xmin) <= n.since_age
                      OR age(s.xmin) <= n.since_age OR ",
        super::due!(),
        " IS NOT NULL)) AS events
         FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon, $2::bigint AS since,
                      age($2::bigint::text::xid8::xid) AS since_age) AS n"
    ))
    .bind(also)
    .bind(since.map(|since| since.0))
    .fetch_one(pool)
    .await?;
    Ok(Changes { read_at: row.read_at, horizon: Horizon(row.horizon), events: row.events.into_iter().map(EventId).collect() })
}

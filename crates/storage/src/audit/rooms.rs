//! Waiting rooms: what their logs prove from the outside. See [`goticket_domain::queue::history`].

use goticket_domain::EventId;
use goticket_domain::queue::history::{History, InForce};
use sqlx::PgPool;
use uuid::Uuid;

use super::{Check, MAX_NAMED_VIOLATIONS};
use crate::{StorageError, queue_log, rooms};

/// Segments, and changes by operators, that are read at once.
const PAGE: u32 = 500;

/// The name of what [`admissions`] finds, as reports show it.
pub const ADMISSIONS: &str = "admissions";
/// What it proves.
pub const ADMISSIONS_PROVE: &str = "over every interval of a room's log no more turns came than rate and burst allowed, no more slots were taken than the \
                                    cap or the seats, and no place had a second turn that was not declared; by what operators set at the time";

/// Nothing was changed in, or taken out of, a room's log.
pub(super) const LOGS: Check = Check {
    name: "queue logs",
    proves: "each segment of a room's log has the hash of what is in it, follows from the one before, and the head has the last one's",
    sql: "SELECT event || ' entry ' || first AS what
            FROM (SELECT *, lag(hash, 1, decode(repeat('00', 32), 'hex')) OVER (PARTITION BY event ORDER BY first) AS last
                    FROM queue_log WHERE $1::uuid IS NULL OR event = $1) AS segment
           WHERE before <> last OR hash <> sha256(before || int8send(first) || int8send(at_ms) || entries)
          UNION
          SELECT h.event || ' ends otherwise' FROM queue_heads h
            LEFT JOIN LATERAL (SELECT hash FROM queue_log q WHERE q.event = h.event ORDER BY first DESC LIMIT 1) AS q ON true
           WHERE ($1::uuid IS NULL OR h.event = $1) AND h.hash <> coalesce(q.hash, decode(repeat('00', 32), 'hex'))",
};

/// What a room's history shows.
#[derive(Debug, Default)]
pub struct Proved {
    /// Turns that came: where there are none, nothing is proved.
    pub turns: u64,
    /// What was wrong, the first ones of it.
    pub violations: Vec<String>,
}

/// Reads the logs of one room, or of all.
pub async fn admissions(pool: &PgPool, event: Option<Uuid>) -> Result<Proved, StorageError> {
    let rooms: Vec<Uuid> = sqlx::query_scalar("SELECT event FROM rooms WHERE $1::uuid IS NULL OR event = $1 ORDER BY event")
        .bind(event)
        .fetch_all(pool)
        .await?;
    let mut proved = Proved::default();
    for room in rooms {
        let found = admissions_of(pool, EventId(room)).await?;
        proved.turns += found.turns;
        proved.violations.extend(found.violations.into_iter().map(|violation| format!("{room} {violation}")));
    }
    proved.violations.truncate(usize::try_from(MAX_NAMED_VIOLATIONS).unwrap_or(usize::MAX));
    Ok(proved)
}

async fn admissions_of(pool: &PgPool, event: EventId) -> Result<Proved, StorageError> {
    let Some(room) = rooms::find(pool, event).await? else { return Ok(Proved::default()) };
    let mut changes = Vec::new();
    loop {
        let last = changes.last().map_or(0, |change: &goticket_domain::queue::LogEntry| change.number);
        let page = rooms::log_after(pool, event, last, PAGE).await?;
        if page.is_empty() {
            break;
        }
        changes.extend(page);
    }
    let over_time = match InForce::over_time(&room.settings, &changes) {
        Ok(over_time) => over_time,
        Err(unreadable) => return Ok(Proved { turns: 0, violations: vec![unreadable.to_string()] }),
    };
    let (mut history, mut size) = (History::new(over_time, seats(pool, event).await?), 0);
    loop {
        let segments = queue_log::read(pool, event, size, PAGE).await?;
        let Some(last) = segments.last() else { break };
        size = last.end();
        for segment in &segments {
            history.read(segment);
        }
    }
    Ok(Proved { turns: history.turns(), violations: history.violations().iter().map(ToString::to_string).collect() })
}

/// How many there are, where there are any to be counted.
async fn seats(pool: &PgPool, event: EventId) -> Result<Option<u64>, StorageError> {
    let capacity: Option<i32> = sqlx::query_scalar(
        "SELECT e.capacity FROM events e WHERE e.id = $1 AND EXISTS (SELECT FROM seats s WHERE s.event = coalesce(e.onsale_of, e.id))",
    )
    .bind(event.0)
    .fetch_optional(pool)
    .await?;
    capacity.map(crate::columns::number).transpose()
}

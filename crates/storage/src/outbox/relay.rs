//! Reading the outbox, of each lane in the order of its positions.
//!
//! A position is given under the lock of the lane's row, by the transaction that writes the outbox row: positions of one lane are gapless
//! and in the order of its commits, and `lanes.position` says which is the last. So nothing can appear behind what was read, and no
//! transaction elsewhere holds anything back. What is missing is an error, and never passed over.
//!
//! How far a lane is published stands in `outbox_cursors`. Its owner (see [`crate::leases`]) moves it, from where it found it and
//! under its epoch only: that is the fence between two relays that both believe to have the lane.

use std::collections::BTreeMap;

use goticket_domain::lane::LaneNo;
use jiff::SignedDuration;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use crate::{
    StorageError,
    columns::{number, numbers},
    leases::Lease,
};

/// How far one lane has been published: everything up to here, and nothing behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// The lane, and the epoch under which the cursor may be moved.
    pub lease: Lease,
    /// Position of the last row that was published.
    pub position: i64,
}

/// One committed domain event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutboxRow {
    /// Its place in the order of its lane, from 1.
    pub lane: LaneNo,
    /// See `lane`.
    pub position: i64,
    /// The CloudEvents id.
    pub id: Uuid,
    /// The Kafka key: what is sold.
    pub event: Uuid,
    /// The whole CloudEvent.
    pub body: String,
}

/// A position that must be there, and is not, or is there twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// The lane.
    pub lane: LaneNo,
    /// The position that was to be read next.
    pub expected: i64,
    /// The one that was found in its place; none where there was none at all.
    pub found: Option<i64>,
}

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Batch {
    /// Lane by lane, each in the order of its positions, beginning right behind its cursor.
    pub rows: Vec<OutboxRow>,
    /// Where lanes cannot be read on, behind those of their rows that are in the batch.
    pub gaps: Vec<Gap>,
}

/// Where lanes stand. One that is not leased under its epoch any more is left out.
pub async fn cursors(db: &mut PgConnection, leases: &[Lease]) -> Result<Vec<Cursor>, StorageError> {
    // By primary key. No one else moves a cursor under an epoch that is still there.
    let rows: Vec<(i16, i64, i64)> = sqlx::query_as(
        "SELECT c.lane, c.epoch, c.position
         FROM UNNEST($1::smallint[], $2::bigint[]) AS leased (lane, epoch)
         JOIN outbox_cursors c ON c.lane = leased.lane AND c.epoch = leased.epoch",
    )
    .bind(numbers::<_, _, i16>(leases, |lease| lease.key.0)?)
    .bind(leases.iter().map(|lease| lease.epoch).collect::<Vec<_>>())
    .fetch_all(db)
    .await?;
    let cursor = |(lane, epoch, position)| Ok(Cursor { lease: Lease { key: LaneNo(number::<i16, _>(lane)?), epoch }, position });
    rows.into_iter().map(cursor).collect()
}

/// A row of a lane that is behind, or none where none was found.
#[derive(FromRow)]
struct Row {
    lane: i16,
    position: Option<i64>,
    id: Option<Uuid>,
    event: Option<Uuid>,
    body: Option<String>,
}

/// The next rows behind these cursors, at most `limit` in all, or one of each lane where there are more lanes than that. Lanes get equal
/// parts; what some do not need of theirs goes to the others.
pub async fn next_rows(db: &mut PgConnection, cursors: &[Cursor], limit: u32) -> Result<Batch, StorageError> {
    // The lanes' rows, by primary key, say who is behind and by how much: the outbox is only looked into for those, by
    // `outbox_by_position` of each partition. The subquery's limit also keeps it one: as a join it could be made to read everything.
    // One statement, one snapshot: what `lanes.position` counts is there. A transaction that commits later is behind all of it.
    let rows: Vec<Row> = sqlx::query_as(
        "WITH behind AS (
             SELECT c.lane, c.position, l.position - c.position AS lag, greatest($3 / count(*) OVER (), 1) AS part
             FROM UNNEST($1::smallint[], $2::bigint[]) AS c (lane, position)
             JOIN lanes l ON l.lane = c.lane AND l.position > c.position),
         spare AS (
             SELECT greatest($3 - sum(least(lag, part)), 0)::bigint / greatest(count(*) FILTER (WHERE lag > part), 1) AS each
             FROM behind)
         SELECT b.lane, o.position, o.id, o.event, o.body
         FROM behind b CROSS JOIN spare
         LEFT JOIN LATERAL (
             SELECT position, id, event, body FROM outbox
             WHERE lane = b.lane AND position > b.position
             ORDER BY position
             LIMIT least(b.lag, b.part + spare.each)) o ON true
         ORDER BY b.lane, o.position",
    )
    .bind(numbers::<_, _, i16>(cursors, |cursor| cursor.lease.key.0)?)
    .bind(cursors.iter().map(|cursor| cursor.position).collect::<Vec<_>>())
    .bind(i64::from(limit))
    .fetch_all(db)
    .await?;
    gapless(cursors, rows)
}

/// Of each lane the rows up to where one is missing.
fn gapless(cursors: &[Cursor], rows: Vec<Row>) -> Result<Batch, StorageError> {
    let mut next: BTreeMap<LaneNo, i64> =
        cursors.iter().map(|cursor| (cursor.lease.key, cursor.position.saturating_add(1))).collect();
    let mut batch = Batch::default();
    for row in rows {
        let lane = LaneNo(number::<i16, _>(row.lane)?);
        // Not there: behind a gap.
        let Some(expected) = next.get_mut(&lane) else { continue };
        match row {
            Row { position: Some(position), id: Some(id), event: Some(event), body: Some(body), .. } if position == *expected => {
                batch.rows.push(OutboxRow { lane, position, id, event, body });
                *expected += 1;
            }
            Row { position, .. } => {
                batch.gaps.push(Gap { lane, expected: *expected, found: position });
                next.remove(&lane);
            }
        }
    }
    Ok(batch)
}

/// Moves cursors, each from where it stands to a position further on, and returns the lanes whose cursor it moved. The others' cursors are
/// not where they were, or not under that epoch: another relay has those lanes.
pub async fn advance(db: &mut PgConnection, moves: &[(Cursor, i64)]) -> Result<Vec<LaneNo>, StorageError> {
    // By primary key. A concurrent take of one of these lanes skips it while this is under way; one that committed before is seen by the
    // epoch.
    let lanes: Vec<i16> = sqlx::query_scalar(
        "UPDATE outbox_cursors c SET position = moves.upto
         FROM UNNEST($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS moves (lane, epoch, origin, upto)
         WHERE c.lane = moves.lane AND c.epoch = moves.epoch AND c.position = moves.origin
         RETURNING c.lane",
    )
    .bind(numbers::<_, _, i16>(moves, |(from, _)| from.lease.key.0)?)
    .bind(moves.iter().map(|(from, _)| from.lease.epoch).collect::<Vec<_>>())
    .bind(moves.iter().map(|(from, _)| from.position).collect::<Vec<_>>())
    .bind(moves.iter().map(|(_, upto)| *upto).collect::<Vec<_>>())
    .fetch_all(db)
    .await?;
    lanes.into_iter().map(|lane| Ok(LaneNo(number::<i16, _>(lane)?))).collect()
}

/// The age of the first committed row of any lane that is not published, whatever holds it back; zero where everything is.
pub async fn oldest_unpublished(db: &mut PgConnection) -> Result<SignedDuration, StorageError> {
    // As in `next_rows`, one row of each lane that is behind.
    let millis: Option<i64> = sqlx::query_scalar(
        "SELECT (extract(epoch FROM clock_timestamp() - min(first.written_at)) * 1000)::bigint
         FROM outbox_cursors c
         JOIN lanes l ON l.lane = c.lane AND l.position > c.position
         CROSS JOIN LATERAL (
             SELECT written_at FROM outbox
             WHERE lane = c.lane AND position > c.position
             ORDER BY position
             LIMIT 1) first",
    )
    .fetch_one(db)
    .await?;
    Ok(SignedDuration::from_millis(millis.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows are `lane:position`, `lane:-` for none; in the result a gap is `lane!expected`.
    fn check(cursors: &[(u16, i64)], rows: &str, expected: &str) {
        let cursor = |&(lane, position): &(u16, i64)| Cursor { lease: Lease { key: LaneNo(lane), epoch: 1 }, position };
        let cursors: Vec<Cursor> = cursors.iter().map(cursor).collect();
        let row = |word: &str| {
            let (lane, position) = word.split_once(':').unwrap();
            let position: Option<i64> = position.parse().ok();
            let id = position.map(|_| Uuid::nil());
            Row { lane: lane.parse().unwrap(), position, id, event: id, body: id.map(|id| id.to_string()) }
        };
        let batch = gapless(&cursors, rows.split_whitespace().map(row).collect()).unwrap();
        let read = batch.rows.iter().map(|row| format!("{}:{}", row.lane, row.position));
        let gaps = batch.gaps.iter().map(|gap| format!("{}!{}", gap.lane, gap.expected));
        assert_eq!(read.chain(gaps).collect::<Vec<_>>().join(" "), expected, "{cursors:?} {rows}");
    }

    #[test]
    fn a_lane_is_read_up_to_its_first_gap() {
        check(&[(0, 0)], "", "");
        check(&[(0, 0)], "0:1 0:2", "0:1 0:2");
        check(&[(0, 7), (3, 0)], "0:8 0:9 3:1", "0:8 0:9 3:1");
        check(&[(0, 0), (1, 0)], "0:2 0:3 1:1", "1:1 0!1");
        check(&[(0, 0), (1, 0)], "0:1 0:3 0:4 1:1", "0:1 1:1 0!2");
        // Behind, and nothing there.
        check(&[(0, 4), (1, 0)], "0:- 1:1", "1:1 0!5");
        // A position given twice.
        check(&[(0, 0)], "0:1 0:1 0:2", "0:1 0!2");
    }
}

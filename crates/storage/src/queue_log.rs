//! The logs of waiting rooms: appended by any replica with what fans do, by the room's owner with everything else; read by whoever fills
//! Redis from them, and by the draw.
//!
//! Each row of `queue_log` has the entries that were written together, one after the other, numbers big-endian:
//!
//! | entry | bytes |
//! |---|---|
//! | join | 1, place (16) |
//! | leave | 2, place (16) |
//! | admit | 4, score (8), end of the claim window in Unix ms (8) |
//! | close | 5 |
//! | draw | 6, seed (32) |
//! | end | 7, place (16), end of the slot in Unix ms at the latest (8) |
//! | claim | 8, place (16), end of the session (8), end of the slot (8) |
//! | renew | 9, place (16), end of the slot (8) |
//! | resume | 10, place (16), end of the slot (8) |
//! | booked | 11, place (16), when the booking was confirmed in Unix ms (8) |
//! | defer | 12, place (16) |
//! | admit deferred | 13, score (8), end of the claim window in Unix ms (8) |
//!
//! Claims of before slots ended with their tokens are 3: their slot lasts as long as the session.

use goticket_domain::EventId;
use goticket_domain::queue::{Bucket, DrawSeed, Entry, LogHash, PlaceId, Score, Segment};
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use crate::StorageError;
use crate::columns::number;
use crate::rooms::owners::fence;

/// Where a log ends, and what the room's next admission is decided with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// Entries so far.
    pub size: u64,
    /// SHA-256 over all of them.
    pub hash: LogHash,
    /// Rises with every admission and every change of what it is decided by.
    pub decisions: u64,
    /// After the last admission.
    pub bucket: Bucket,
    /// The highest score whose turn has come.
    pub frontier: Option<Score>,
    /// How many turns were given.
    pub admitted: u64,
    /// How long the log was when the lobby was closed.
    pub closed_at: Option<u64>,
}

/// Something that takes slots and is to be written: only if nothing else that does, and no setting, came before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decided {
    /// What [`Head::decisions`] was when it was decided.
    pub decisions: u64,
    /// Turns that come. None where a session takes a slot again, which any replica may decide.
    pub admission: Option<Admission>,
}

/// Turns that come: decided by the room's owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admission {
    /// The owner's epoch.
    pub epoch: i64,
    /// The bucket after it.
    pub bucket: Bucket,
    /// How many turns come.
    pub turns: u64,
    /// The highest score among those of the line; none where all are deferred places'.
    pub through: Option<Score>,
}

#[derive(FromRow)]
struct Appended {
    first: Option<i64>,
    at_ms: Option<i64>,
    before: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
}

#[derive(FromRow)]
struct Row {
    first: i64,
    at_ms: i64,
    before: Vec<u8>,
    hash: Vec<u8>,
    entries: Vec<u8>,
}

impl TryFrom<Row> for Segment {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let entries = decode(&row.entries).ok_or_else(|| malformed(&format!("the entries from {} on", row.first)))?;
        Ok(Self { first: number(row.first)?, at_ms: row.at_ms, before: hash(&row.before)?, hash: hash(&row.hash)?, entries })
    }
}

/// Appends entries in one commit, at this time or that of the last entry, whichever is later. None where an admission was decided
/// with what is not so any more, or by an owner that was replaced: nothing is written then.
pub async fn append(
    db: &mut PgConnection,
    event: EventId,
    entries: Vec<Entry>,
    now_ms: i64,
    decided: Option<Decided>,
) -> Result<Option<Segment>, StorageError> {
    let admission = decided.and_then(|decided| decided.admission);
    // One row of queue_heads by primary key; a concurrent append waits for its lock, and then comes after it.
    let appended: Appended =
        sqlx::query_as("SELECT first, at_ms, before, hash FROM queue_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
            .bind(event.0)
            .bind(number::<_, i32>(entries.len())?)
            .bind(encode(&entries))
            .bind(now_ms)
            .bind(admission.map(|admission| admission.epoch))
            .bind(decided.map(|decided| number::<_, i64>(decided.decisions)).transpose()?)
            .bind(admission.map(|admission| number::<_, i64>(admission.bucket.micro_tokens)).transpose()?)
            .bind(admission.map(|admission| admission.bucket.at_ms))
            .bind(admission.map(|admission| number::<_, i64>(admission.turns)).transpose()?)
            .bind(
                admission
                    .and_then(|admission| admission.through)
                    .map(|through| number::<_, i64>(through.as_u64()))
                    .transpose()?,
            )
            .fetch_one(db)
            .await?;
    match (appended.first, appended.at_ms, appended.before, appended.hash) {
        (Some(first), Some(at_ms), Some(before), Some(after)) => {
            Ok(Some(Segment { first: number(first)?, at_ms, before: hash(&before)?, hash: hash(&after)?, entries }))
        }
        _ if decided.is_some() => Ok(None),
        _ => Err(StorageError::Unexpected(format!("event {event} has no log"))),
    }
}

/// Closes the lobby, once, with an empty bucket. None where it is closed already, or `epoch` is not the owner's any more.
pub async fn close(pool: &PgPool, event: EventId, epoch: i64, now_ms: i64) -> Result<Option<Segment>, StorageError> {
    let mut tx = pool.begin().await?;
    if !fence(&mut tx, event, epoch).await? {
        return Ok(None);
    }
    let closing = sqlx::query("UPDATE queue_heads SET closed_at = size, refilled_ms = $2 WHERE event = $1 AND closed_at IS NULL")
        .bind(event.0)
        .bind(now_ms)
        .execute(&mut *tx)
        .await?;
    if closing.rows_affected() == 0 {
        return Ok(None);
    }
    let segment = append(&mut tx, event, vec![Entry::Close], now_ms, None).await?;
    tx.commit().await?;
    Ok(segment)
}

/// Segments from this entry on, in order, at most so many. The first begins there, or the log has none.
pub async fn read(pool: &PgPool, event: EventId, from: u64, limit: u32) -> Result<Vec<Segment>, StorageError> {
    // By primary key.
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT first, at_ms, before, hash, entries FROM queue_log WHERE event = $1 AND first >= $2 ORDER BY first LIMIT $3",
    )
    .bind(event.0)
    .bind(number::<_, i64>(from)?)
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Segment::try_from).collect()
}

/// Segments from the one on that has this entry, in order, at most so many.
pub async fn read_around(pool: &PgPool, event: EventId, entry: u64, limit: u32) -> Result<Vec<Segment>, StorageError> {
    // By primary key, twice.
    let first: Option<i64> = sqlx::query_scalar("SELECT max(first) FROM queue_log WHERE event = $1 AND first <= $2")
        .bind(event.0)
        .bind(number::<_, i64>(entry)?)
        .fetch_one(pool)
        .await?;
    match first {
        Some(first) => read(pool, event, number(first)?, limit).await,
        None => Ok(Vec::new()),
    }
}

/// Where the log ends now; none for an event without a room.
pub async fn head(pool: &PgPool, event: EventId) -> Result<Option<Head>, StorageError> {
    let row: Option<HeadRow> = sqlx::query_as(
        "SELECT size, hash, decisions, micro_tokens, refilled_ms, frontier, admitted, closed_at FROM queue_heads WHERE event = $1",
    )
    .bind(event.0)
    .fetch_optional(pool)
    .await?;
    row.map(Head::try_from).transpose()
}

/// The columns of a head, also where it is read beside its room.
#[derive(FromRow)]
pub(crate) struct HeadRow {
    size: i64,
    hash: Vec<u8>,
    decisions: i64,
    micro_tokens: i64,
    refilled_ms: i64,
    frontier: i64,
    admitted: i64,
    closed_at: Option<i64>,
}

impl TryFrom<HeadRow> for Head {
    type Error = StorageError;

    fn try_from(row: HeadRow) -> Result<Self, StorageError> {
        Ok(Self {
            size: number(row.size)?,
            hash: hash(&row.hash)?,
            decisions: number(row.decisions)?,
            bucket: Bucket { micro_tokens: number(row.micro_tokens)?, at_ms: row.refilled_ms },
            frontier: u64::try_from(row.frontier).ok().and_then(Score::from_u64),
            admitted: number(row.admitted)?,
            closed_at: row.closed_at.map(number).transpose()?,
        })
    }
}

fn hash(bytes: &[u8]) -> Result<LogHash, StorageError> {
    bytes.try_into().map_err(|_| malformed("a hash"))
}

fn malformed(what: &str) -> StorageError {
    StorageError::Unexpected(format!("{what} of a queue's log cannot be read"))
}

fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * 17);
    for entry in entries {
        match entry {
            Entry::Join(place) => {
                out.push(1);
                out.extend(place.0);
            }
            Entry::Leave(place) => {
                out.push(2);
                out.extend(place.0);
            }
            Entry::Claim { place, until_ms, slot_ms } => {
                put_timed(&mut out, 8, *place, *until_ms);
                out.extend(slot_ms.to_be_bytes());
            }
            Entry::Renew { place, slot_ms } => put_timed(&mut out, 9, *place, *slot_ms),
            Entry::Resume { place, slot_ms } => put_timed(&mut out, 10, *place, *slot_ms),
            Entry::End { place, until_ms } => put_timed(&mut out, 7, *place, *until_ms),
            Entry::Booked { place, booked_ms } => put_timed(&mut out, 11, *place, *booked_ms),
            Entry::Admit { through, claim_by_ms } => {
                out.push(4);
                out.extend(through.as_u64().to_be_bytes());
                out.extend(claim_by_ms.to_be_bytes());
            }
            Entry::Defer(place) => {
                out.push(12);
                out.extend(place.0);
            }
            Entry::AdmitDeferred { through, claim_by_ms } => {
                out.push(13);
                out.extend(through.as_u64().to_be_bytes());
                out.extend(claim_by_ms.to_be_bytes());
            }
            Entry::Close => out.push(5),
            Entry::Draw(seed) => {
                out.push(6);
                out.extend(seed.0);
            }
        }
    }
    out
}

fn put_timed(out: &mut Vec<u8>, kind: u8, place: PlaceId, ms: i64) {
    out.push(kind);
    out.extend(place.0);
    out.extend(ms.to_be_bytes());
}

/// None where the bytes are no entries.
fn decode(mut bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::with_capacity(bytes.len() / 17);
    while let Some((kind, rest)) = bytes.split_first() {
        bytes = rest;
        entries.push(match kind {
            1 => Entry::Join(PlaceId(take(&mut bytes)?)),
            2 => Entry::Leave(PlaceId(take(&mut bytes)?)),
            3 => {
                let (place, until_ms) = take_timed(&mut bytes)?;
                Entry::Claim { place, until_ms, slot_ms: until_ms }
            }
            4 => Entry::Admit {
                through: Score::from_u64(u64::from_be_bytes(take(&mut bytes)?))?,
                claim_by_ms: i64::from_be_bytes(take(&mut bytes)?),
            },
            5 => Entry::Close,
            6 => Entry::Draw(DrawSeed(take(&mut bytes)?)),
            7 => {
                let (place, until_ms) = take_timed(&mut bytes)?;
                Entry::End { place, until_ms }
            }
            8 => {
                let (place, until_ms) = take_timed(&mut bytes)?;
                Entry::Claim { place, until_ms, slot_ms: i64::from_be_bytes(take(&mut bytes)?) }
            }
            9 => {
                let (place, slot_ms) = take_timed(&mut bytes)?;
                Entry::Renew { place, slot_ms }
            }
            10 => {
                let (place, slot_ms) = take_timed(&mut bytes)?;
                Entry::Resume { place, slot_ms }
            }
            11 => {
                let (place, booked_ms) = take_timed(&mut bytes)?;
                Entry::Booked { place, booked_ms }
            }
            12 => Entry::Defer(PlaceId(take(&mut bytes)?)),
            13 => Entry::AdmitDeferred {
                through: Score::from_u64(u64::from_be_bytes(take(&mut bytes)?))?,
                claim_by_ms: i64::from_be_bytes(take(&mut bytes)?),
            },
            _ => return None,
        });
    }
    Some(entries)
}

fn take_timed(bytes: &mut &[u8]) -> Option<(PlaceId, i64)> {
    Some((PlaceId(take(bytes)?), i64::from_be_bytes(take(bytes)?)))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

/// Makes the empty log of a new room.
pub(crate) async fn create(db: &mut PgConnection, event: EventId) -> Result<(), StorageError> {
    sqlx::query("INSERT INTO queue_heads (event) VALUES ($1)").bind::<Uuid>(event.0).execute(db).await?;
    Ok(())
}

/// Whatever is being decided is decided with what is not so any more.
pub(crate) async fn outdate_decisions(db: &mut PgConnection, event: EventId) -> Result<(), StorageError> {
    sqlx::query("UPDATE queue_heads SET decisions = decisions + 1 WHERE event = $1").bind(event.0).execute(db).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_they_were_written_and_nothing_else_is() {
        let place = PlaceId([7; 16]);
        let entries = vec![
            Entry::Join(place),
            Entry::Leave(place),
            Entry::Claim { place, until_ms: -1, slot_ms: -2 },
            Entry::Renew { place, slot_ms: 6 },
            Entry::Resume { place, slot_ms: 7 },
            Entry::Booked { place, booked_ms: 8 },
            Entry::Defer(place),
            Entry::AdmitDeferred { through: Score::deferred(4).unwrap(), claim_by_ms: 9 },
            Entry::Admit { through: Score::late(3).unwrap(), claim_by_ms: i64::MAX },
            Entry::Close,
            Entry::Draw(DrawSeed([9; 32])),
            Entry::End { place, until_ms: 5 },
        ];
        let bytes = encode(&entries);
        assert_eq!(decode(&bytes), Some(entries));
        assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(decode(&[0]), None);
        let of_before = [&[3][..], &place.0, &9_i64.to_be_bytes()].concat();
        assert_eq!(decode(&of_before), Some(vec![Entry::Claim { place, until_ms: 9, slot_ms: 9 }]));
        assert_eq!(decode(&[]), Some(Vec::new()));
    }
}

//! Where the automatic rates of rooms stand: moved by their owners, read with the rooms.

use goticket_domain::EventId;
use goticket_domain::queue::{AutoLimits, AutoRate, RoomSettings};
use sqlx::{FromRow, PgConnection, PgPool};

use super::number;
use crate::StorageError;

/// What is automatic about a room, beside it.
#[derive(FromRow)]
#[expect(clippy::struct_field_names, reason = "columns among those of the room")]
pub(super) struct AutoRow {
    auto_low_per_min: Option<i32>,
    auto_high_per_min: Option<i32>,
    auto_per_min: Option<i32>,
    auto_stays_until_ms: Option<i64>,
}

impl AutoRow {
    pub(super) fn limits(&self) -> Result<Option<AutoLimits>, StorageError> {
        let (Some(low), Some(high)) = (self.auto_low_per_min, self.auto_high_per_min) else { return Ok(None) };
        let (low_per_min, high_per_min) = (number("auto_low_per_min", low)?, number("auto_high_per_min", high)?);
        Ok(Some(AutoLimits { low_per_min, high_per_min }))
    }

    pub(super) fn rate(&self) -> Result<Option<AutoRate>, StorageError> {
        let (Some(per_min), Some(stays_until_ms)) = (self.auto_per_min, self.auto_stays_until_ms) else { return Ok(None) };
        Ok(Some(AutoRate::resume(number("auto_per_min", per_min)?, stays_until_ms)))
    }
}

/// The limits of an automatic rate, as their columns.
pub(super) fn columns(settings: &RoomSettings) -> Result<[Option<i32>; 2], StorageError> {
    let Some(AutoLimits { low_per_min, high_per_min }) = settings.auto else { return Ok([None; 2]) };
    Ok([Some(number("auto_low_per_min", low_per_min)?), Some(number("auto_high_per_min", high_per_min)?)])
}

/// Writes where the rate stands. False where the epoch is another one by now, or operators set the rate again.
pub async fn save_rate(pool: &PgPool, event: EventId, epoch: i64, rate: AutoRate) -> Result<bool, StorageError> {
    // By primary keys. A successor in taking the room waits for this statement, or this one finds its epoch.
    let done = sqlx::query(
        "INSERT INTO room_rates AS s (event, per_min, stays_until_ms)
         SELECT o.event, $3, $4 FROM room_owners o JOIN rooms r ON r.event = o.event
         WHERE o.event = $1 AND o.epoch = $2 AND r.auto_low_per_min IS NOT NULL FOR SHARE OF o
         ON CONFLICT (event) DO UPDATE SET per_min = excluded.per_min, stays_until_ms = excluded.stays_until_ms",
    )
    .bind(event.0)
    .bind(epoch)
    .bind(number::<_, i32>("per_min", rate.per_min())?)
    .bind(rate.stays_until_ms())
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Who moves the rate of a locked room changes: an automatic rate begins again.
pub async fn forget_rate(db: &mut PgConnection, event: EventId) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM room_rates WHERE event = $1").bind(event.0).execute(db).await?;
    Ok(())
}

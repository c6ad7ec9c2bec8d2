//! A section's seats, for choosing among them.

use goticket_domain::{
    EventId,
    seating::{LayoutSeat, LayoutSection, SectionKind},
};
use sqlx::{PgConnection, Row as _, postgres::PgRow};

use crate::StorageError;
use crate::columns::number;

/// One section with its seats, as far as choosing among them needs to know. It never changes.
pub async fn section_layout(db: &mut PgConnection, event: EventId, section: u16) -> Result<Option<LayoutSection>, StorageError> {
    let head: Option<(String, String, i32)> =
        sqlx::query_as("SELECT name, kind, first_seat FROM event_sections WHERE event = $1 AND no = $2")
            .bind(event.0)
            .bind(number::<_, i16>(section)?)
            .fetch_optional(&mut *db)
            .await?;
    let Some((name, kind, first_seat)) = head else { return Ok(None) };
    // seats_by_section.
    let rows = sqlx::query("SELECT no, row_no, block, category, x, y FROM seats WHERE event = $1 AND section = $2 ORDER BY no")
        .bind(event.0)
        .bind(number::<_, i16>(section)?)
        .fetch_all(db)
        .await?;
    let read = |row: &PgRow| {
        Ok::<_, StorageError>(LayoutSeat {
            no: number(row.try_get::<i32, _>("no")?)?,
            row: number(row.try_get::<i16, _>("row_no")?)?,
            block: number(row.try_get::<i16, _>("block")?)?,
            row_label: String::new(),
            number: String::new(),
            guid: String::new(),
            category: number(row.try_get::<i16, _>("category")?)?,
            x: row.try_get("x")?,
            y: row.try_get("y")?,
        })
    };
    Ok(Some(LayoutSection {
        no: section,
        name,
        kind: if kind == "standing" { SectionKind::Standing } else { SectionKind::Seated },
        area: None,
        first_seat: number(first_seat)?,
        seats: rows.iter().map(read).collect::<Result<_, _>>()?,
    }))
}

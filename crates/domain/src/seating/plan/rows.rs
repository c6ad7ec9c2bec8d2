//! The rows of a zone: numbers, labels, and which one is in front.

use std::collections::HashSet;

use super::{
    Row, RowNumberPosition,
    error::{PlanError, PlanProblem},
    field::Scalar,
    import::{Seats, Zone, limit, point, required},
    pointer::At,
    raw::RawRow,
};
use crate::seating::limits::{MAX_NAME_CHARS, MAX_ROWS_PER_ZONE};

/// The rows of a zone that have seats, the front one first.
pub(super) fn import_rows(zone: &Zone<'_>, at: &At<'_>, seats: &mut Seats<'_>) -> Result<Vec<Row>, PlanError> {
    let rows_at = at.key("rows");
    let raw_rows = required(zone.raw.rows.list(&rows_at)?, &rows_at, "rows")?;
    limit("rows", raw_rows.len(), MAX_ROWS_PER_ZONE, &rows_at)?;
    let mut rows = Vec::with_capacity(raw_rows.len());
    let mut numbers = Numbers::default();
    for (index, raw) in raw_rows.iter().enumerate() {
        let row_at = rows_at.index(index);
        let Some(raw) = raw.object(&row_at)? else {
            return Err(row_at.fault(PlanProblem::WrongType { expected: "an object", found: "null" }));
        };
        rows.push((raw, numbers.read(raw, &row_at)?));
    }
    let mut imported = Vec::with_capacity(rows.len());
    for (index, (raw, number)) in rows.into_iter().enumerate() {
        let number = number.unwrap_or_else(|| numbers.make(index));
        let row = import_row(raw, number, zone, index, &rows_at.index(index), seats)?;
        if !row.seats.is_empty() {
            imported.push(row);
        }
    }
    front_first(&mut imported);
    Ok(imported)
}

fn import_row(
    raw: &RawRow,
    number: String,
    zone: &Zone<'_>,
    index: usize,
    at: &At<'_>,
    seats: &mut Seats<'_>,
) -> Result<Row, PlanError> {
    let (x, y) = point(&raw.position, &at.key("position"))?.unwrap_or_default();
    let origin = (zone.origin.0 + x, zone.origin.1 + y);
    let label_at = at.key("row_label");
    let label = raw.row_label.text(&label_at, MAX_NAME_CHARS)?;
    let label = label.map_or_else(|| number.clone(), |label| label.replace("%s", &number));
    let chars = label.chars().count();
    if chars > MAX_NAME_CHARS {
        return Err(label_at.fault(PlanProblem::TextTooLong { chars, max: MAX_NAME_CHARS }));
    }
    let seats_at = at.key("seats");
    let raw_seats = required(raw.seats.list(&seats_at)?, &seats_at, "seats")?;
    let mut row_seats = Vec::with_capacity(raw_seats.len());
    for (seat_index, seat) in raw_seats.iter().enumerate() {
        let seat_at = seats_at.index(seat_index);
        let Some(seat) = seat.object(&seat_at)? else {
            return Err(seat_at.fault(PlanProblem::WrongType { expected: "an object", found: "null" }));
        };
        row_seats.push(seats.import(seat, origin, [zone.index, index, seat_index], &seat_at)?);
    }
    Ok(Row { label, number, number_position: number_position(&raw.row_number_position), seats: row_seats })
}

/// The numbers of a zone's rows, so that a row without one gets one that is free.
#[derive(Default)]
struct Numbers {
    taken: HashSet<String>,
}

impl Numbers {
    fn read(&mut self, raw: &RawRow, at: &At<'_>) -> Result<Option<String>, PlanError> {
        let number = raw.row_number.text(&at.key("row_number"), MAX_NAME_CHARS)?;
        self.taken.extend(number.clone());
        Ok(number)
    }

    fn make(&mut self, index: usize) -> String {
        let mut number = (index + 1).to_string();
        while !self.taken.insert(number.clone()) {
            number.insert(0, '#');
        }
        number
    }
}

fn number_position(raw: &Scalar) -> RowNumberPosition {
    match raw.text(&At::ROOT, MAX_NAME_CHARS).ok().flatten().as_deref() {
        Some("start" | "left") => RowNumberPosition::Start,
        Some("end" | "right") => RowNumberPosition::End,
        Some("both") => RowNumberPosition::Both,
        _ => RowNumberPosition::Hidden,
    }
}

/// Orders rows as their numbers say. Editors number from the front, but may list from the back ("bottom-up"): integers are
/// sorted, letters turned round where they run backwards. Other numbers say nothing, and the file's order stays.
fn front_first(rows: &mut [Row]) {
    if let Some(numbers) = rows.iter().map(|row| row.number.parse().ok()).collect::<Option<Vec<i64>>>() {
        if !numbers.is_sorted() {
            rows.sort_by_cached_key(|row| row.number.parse::<i64>().unwrap_or_default());
        }
        return;
    }
    let lettered = rows.iter().all(|row| row.number.len() <= 2 && row.number.bytes().all(|b| b.is_ascii_uppercase()));
    let letter = |row: &Row| (row.number.len(), row.number.clone());
    if lettered && rows.is_sorted_by(|a, b| letter(a) > letter(b)) {
        rows.reverse();
    }
}

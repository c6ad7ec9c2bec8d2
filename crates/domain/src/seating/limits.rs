//! What a plan may be at most, and what would break beyond it.

/// Places of one event, standing ones included. The seat map is one bitmap and one page of JSON: beyond this neither is quick.
pub const MAX_SEATS: usize = 200_000;
/// Bytes of a plan file. An upload is held in memory as a whole.
pub const MAX_PLAN_BYTES: usize = 32 * 1024 * 1024;
/// Levels of nesting. The format itself needs nine; other readers of the stored file parse recursively.
pub const MAX_DEPTH: usize = 64;
/// Objects and lists of a plan. Bounds the memory that a small file of empty objects can claim.
pub const MAX_VALUES: usize = 1_000_000;
/// Zones of a plan: section numbers are 16 bits wide, also where they are signed.
pub const MAX_ZONES: usize = 10_000;
/// Rows of a zone: row numbers are 16 bits wide, also where they are signed.
pub const MAX_ROWS_PER_ZONE: usize = 30_000;
/// Price categories of a plan. An organizer sets a price for each.
pub const MAX_CATEGORIES: usize = 1_000;
/// Areas of a plan, all zones together. All of them are drawn on every seat map.
pub const MAX_AREAS: usize = 20_000;
/// Standing sections of an event.
pub const MAX_STANDING: usize = 1_000;
/// Characters of a name, label or number that is shown or printed on a ticket.
pub const MAX_NAME_CHARS: usize = 200;
/// Characters of a `seat_guid`: an index key in the store and part of addresses.
pub const MAX_GUID_CHARS: usize = 200;
/// Characters of the text written into an area.
pub const MAX_AREA_TEXT_CHARS: usize = 1_000;
/// Pixels from the origin, for each position and size. Places are stored as 32-bit floats.
pub const MAX_COORDINATE: f64 = 1_000_000.0;

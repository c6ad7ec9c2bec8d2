//! Waiting rooms: what must survive the loss of Redis. After its making only the admission service writes a room; of its event it
//! writes one thing, the start of a sale that an operator begins early.

mod changes;
pub mod draws;
mod entry_rules;
mod log;
pub mod owners;
mod prices;
mod rates;

use goticket_domain::EventId;
use goticket_domain::queue::{AutoRate, Bounds, ControlLogHead, EntryRules, RoomSettings, RoomState};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use crate::StorageError;
use crate::columns::numbers;
use crate::queue_log::{self, Head, HeadRow};

pub use changes::{Changes, Horizon, changed};
pub use log::{append_log, log_after, log_from, log_head};
pub use prices::{CategoryPrice, Prices, prices};
pub use rates::{forget_rate, save_rate};

/// A room as it stands in Postgres.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Room {
    /// The event it leads to, or one of its further onsales ([`crate::onsales`]).
    pub event: EventId,
    /// The event whose seats are sold to whom it lets in: `event` itself but for a further onsale.
    pub seats_of: EventId,
    /// The categories to which it lets in; none where those are all of them.
    pub sells: Option<Vec<u16>>,
    /// Where it stands.
    pub state: RoomState,
    /// What operators set.
    pub settings: RoomSettings,
    /// Where an automatic rate stands; none where it has not begun.
    pub auto_rate: Option<AutoRate>,
    /// Grows with every change of state and settings: whoever holds a lower one must not act on it.
    pub revision: i64,
    /// When the lobby opens.
    pub lobby_opens_at: Timestamp,
    /// When the order is drawn.
    pub onsale_at: Timestamp,
    /// When this was read, by the database's clock.
    pub read_at: Timestamp,
    /// Where the schedule says that the room should be by now, by the database's clock. None: where it is.
    pub due: Option<RoomState>,
    /// Grows with every change of its draw ([`draws`]).
    pub draw_revision: i32,
    /// Where its log ends.
    pub log: Head,
    /// Where the operators' log ends.
    pub control_log: ControlLogHead,
    /// How many batches of codes were made ([`crate::queue_codes`]).
    pub code_batches: u32,
}

#[derive(FromRow)]
struct Row {
    event: Uuid,
    seats_of: Uuid,
    sells: Option<Vec<i16>>,
    state: String,
    rate_per_min: i32,
    #[sqlx(flatten)]
    auto: rates::AutoRow,
    burst: i32,
    active_cap: i32,
    claim_window_s: i32,
    session_s: i32,
    selling: bool,
    message: String,
    close_when_sold_out: bool,
    mode: String,
    open_below: Option<i32>,
    when_down: String,
    #[sqlx(flatten)]
    entry: entry_rules::EntryRow,
    revision: i64,
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    lobby_opens_at: Timestamp,
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    onsale_at: Timestamp,
    #[sqlx(try_from = "jiff_sqlx::Timestamp")]
    read_at: Timestamp,
    due: Option<String>,
    draw_revision: i32,
    #[sqlx(flatten)]
    log: HeadRow,
    log_number: i64,
    log_hash: Vec<u8>,
}

impl TryFrom<Row> for Room {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            event: EventId(row.event),
            seats_of: EventId(row.seats_of),
            sells: row.sells.map(|sells| numbers(&sells, |no| *no)).transpose()?,
            state: row.state.parse().map_err(StorageError::Unexpected)?,
            settings: RoomSettings {
                rate_per_min: number("rate_per_min", row.rate_per_min)?,
                auto: row.auto.limits()?,
                burst: number("burst", row.burst)?,
                active_cap: number("active_cap", row.active_cap)?,
                claim_window_s: number("claim_window_s", row.claim_window_s)?,
                session_s: number("session_s", row.session_s)?,
                selling: row.selling,
                message: row.message,
                close_when_sold_out: row.close_when_sold_out,
                mode: row.mode.parse().map_err(StorageError::Unexpected)?,
                open_below: row.open_below.map(|joins| number("open_below", joins)).transpose()?,
                when_down: row.when_down.parse().map_err(StorageError::Unexpected)?,
                entry: row.entry.rules()?,
            },
            auto_rate: row.auto.rate()?,
            revision: row.revision,
            lobby_opens_at: row.lobby_opens_at,
            onsale_at: row.onsale_at,
            read_at: row.read_at,
            due: row.due.map(|state| state.parse()).transpose().map_err(StorageError::Unexpected)?,
            draw_revision: row.draw_revision,
            log: row.log.try_into()?,
            control_log: log::head(row.log_number, &row.log_hash)?,
            code_batches: row.entry.code_batches()?,
        })
    }
}

impl Room {
    /// Whether the event has other lines, of which an account stands in one.
    pub fn has_other_lines(&self) -> bool {
        self.sells.is_some()
    }

    /// The rate in force, in admissions per minute.
    pub fn rate_per_min(&self) -> u32 {
        self.bounds().rate_per_min
    }

    /// What admission is bounded by.
    pub fn bounds(&self) -> Bounds {
        self.settings.bounds(self.auto_rate)
    }

    /// What is set, which a shadow room measures.
    pub fn bounds_set(&self) -> Bounds {
        self.settings.bounds_set(self.auto_rate)
    }
}

fn number<S, T: TryFrom<S>>(column: &str, value: S) -> Result<T, StorageError> {
    T::try_from(value).map_err(|_| StorageError::Unexpected(format!("rooms.{column} is out of range")))
}

fn digest(column: &str, bytes: &[u8]) -> Result<[u8; 32], StorageError> {
    bytes.try_into().map_err(|_| StorageError::Unexpected(format!("rooms.{column} has {} bytes", bytes.len())))
}

/// Where the schedule says that room `r` of event `e` should be by now, if it is not there: for `concat!`.
macro_rules! due {
    () => {
        "CASE WHEN r.state = 'closed' THEN NULL
              WHEN e.starts_at <= clock_timestamp() THEN 'closed'
              WHEN r.state = 'scheduled' AND e.lobby_opens_at <= clock_timestamp() THEN 'lobby'
              WHEN r.state = 'lobby' AND e.onsale_at <= clock_timestamp() THEN 'open' END"
    };
}
use due;

/// What every read of a room selects, as a fragment for `concat!`. `updated_at` moves with state and settings only.
macro_rules! select_room {
    ($rest:literal) => {
        concat!(
            "SELECT r.event, coalesce(e.onsale_of, e.id) AS seats_of, r.sells, r.state, r.rate_per_min, r.burst, r.active_cap, r.claim_window_s, r.session_s, r.selling, r.message,
                    r.close_when_sold_out, r.mode, r.open_below, r.when_down,
                    r.proof_of_work, r.asks_code, r.code_until, r.code_batches, r.assurance, r.group_max,
                    r.auto_low_per_min, r.auto_high_per_min, s.per_min AS auto_per_min, s.stays_until_ms AS auto_stays_until_ms,
                    (extract(epoch FROM r.updated_at) * 1000000)::bigint AS revision,
                    e.lobby_opens_at, e.onsale_at, clock_timestamp() AS read_at, ",
            due!(),
            " AS due,
                    r.draw_revision, r.log_number, r.log_hash,
                    h.size, h.hash, h.decisions, h.micro_tokens, h.refilled_ms, h.frontier, h.admitted,
                    h.closed_at
             FROM rooms r JOIN events e ON e.id = r.event JOIN queue_heads h ON h.event = r.event
                  LEFT JOIN room_rates s ON s.event = r.event ",
            $rest
        )
    };
}

/// Makes the room of an event that is being published, in the publisher's transaction. The caller has checked the settings.
pub async fn create(connection: &mut PgConnection, event: EventId, settings: &RoomSettings) -> Result<(), StorageError> {
    let [low, high] = rates::columns(settings)?;
    sqlx::query(
        "INSERT INTO rooms (event, state, rate_per_min, burst, active_cap, claim_window_s, session_s, message,
                            auto_low_per_min, auto_high_per_min, close_when_sold_out,
                            mode, open_below, when_down)
         VALUES ($1, 'scheduled', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(event.0)
    .bind(number::<_, i32>("rate_per_min", settings.rate_per_min)?)
    .bind(number::<_, i32>("burst", settings.burst)?)
    .bind(number::<_, i32>("active_cap", settings.active_cap)?)
    .bind(number::<_, i32>("claim_window_s", settings.claim_window_s)?)
    .bind(number::<_, i32>("session_s", settings.session_s)?)
    .bind(&settings.message)
    .bind(low)
    .bind(high)
    .bind(settings.close_when_sold_out)
    .bind(settings.mode.as_str())
    .bind(settings.open_below.map(|joins| number::<_, i32>("open_below", joins)).transpose()?)
    .bind(settings.when_down.as_str())
    .execute(&mut *connection)
    .await?;
    if settings.entry != EntryRules::default() {
        entry_rules::save(&mut *connection, event, settings.entry).await?;
    }
    owners::create(&mut *connection, event).await?;
    queue_log::create(connection, event).await
}

/// These rooms, in no order.
pub async fn find_all(pool: &PgPool, events: &[EventId]) -> Result<Vec<Room>, StorageError> {
    let events: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    let rows: Vec<Row> = sqlx::query_as(select_room!("WHERE r.event = ANY($1)")).bind(events).fetch_all(pool).await?;
    rows.into_iter().map(Room::try_from).collect()
}

/// One room.
pub async fn find(pool: &PgPool, event: EventId) -> Result<Option<Room>, StorageError> {
    let row: Option<Row> = sqlx::query_as(select_room!("WHERE r.event = $1")).bind(event.0).fetch_optional(pool).await?;
    row.map(Room::try_from).transpose()
}

/// One room, locked until the transaction ends: a concurrent change waits, and then sees this one.
pub async fn lock(connection: &mut PgConnection, event: EventId) -> Result<Option<Room>, StorageError> {
    let row: Option<Row> =
        sqlx::query_as(select_room!("WHERE r.event = $1 FOR UPDATE OF r")).bind(event.0).fetch_optional(connection).await?;
    row.map(Room::try_from).transpose()
}

/// Like [`lock`], but None where another replica has the room locked: it is doing what we came for.
pub async fn lock_if_free(connection: &mut PgConnection, event: EventId) -> Result<Option<Room>, StorageError> {
    let row: Option<Row> = sqlx::query_as(select_room!("WHERE r.event = $1 FOR UPDATE OF r SKIP LOCKED"))
        .bind(event.0)
        .fetch_optional(connection)
        .await?;
    row.map(Room::try_from).transpose()
}

/// Writes state and settings of a locked room and raises its revision, also when the clock went back. An admission that was decided
/// with what was set before is not written any more.
pub async fn save_control(
    connection: &mut PgConnection,
    event: EventId,
    state: RoomState,
    settings: &RoomSettings,
) -> Result<(), StorageError> {
    let [low, high] = rates::columns(settings)?;
    let done = sqlx::query(
        "UPDATE rooms SET state = $2, rate_per_min = $3, burst = $4, active_cap = $5, claim_window_s = $6, session_s = $7,
                message = $8, selling = $9, auto_low_per_min = $10, auto_high_per_min = $11, close_when_sold_out = $12,
                mode = $13, open_below = $14, when_down = $15,
                updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
         WHERE event = $1",
    )
    .bind(event.0)
    .bind(state.as_str())
    .bind(number::<_, i32>("rate_per_min", settings.rate_per_min)?)
    .bind(number::<_, i32>("burst", settings.burst)?)
    .bind(number::<_, i32>("active_cap", settings.active_cap)?)
    .bind(number::<_, i32>("claim_window_s", settings.claim_window_s)?)
    .bind(number::<_, i32>("session_s", settings.session_s)?)
    .bind(&settings.message)
    .bind(settings.selling)
    .bind(low)
    .bind(high)
    .bind(settings.close_when_sold_out)
    .bind(settings.mode.as_str())
    .bind(settings.open_below.map(|joins| number::<_, i32>("open_below", joins)).transpose()?)
    .bind(settings.when_down.as_str())
    .execute(&mut *connection)
    .await?;
    one(done.rows_affected(), "save_control")?;
    entry_rules::save(&mut *connection, event, settings.entry).await?;
    if state == RoomState::Closed {
        give_back(&mut *connection, event).await?;
    }
    queue_log::outdate_decisions(connection, event).await
}

/// Sets the categories to which a room lets in.
pub(crate) async fn set_sells(connection: &mut PgConnection, event: EventId, categories: &[i16]) -> Result<(), StorageError> {
    let done = sqlx::query(
        "UPDATE rooms SET sells = $2, updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond') WHERE event = $1",
    )
    .bind(event.0)
    .bind(categories)
    .execute(connection)
    .await?;
    one(done.rows_affected(), "set_sells")
}

/// What a closed onsale has set aside goes back to the event's own line.
async fn give_back(connection: &mut PgConnection, onsale: EventId) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE rooms own SET sells = ARRAY(SELECT unnest(own.sells) UNION SELECT unnest(o.sells) ORDER BY 1),
                updated_at = greatest(clock_timestamp(), own.updated_at + interval '1 microsecond')
         FROM events e JOIN rooms o ON o.event = e.id
         WHERE e.id = $1 AND own.event = e.onsale_of AND own.sells IS NOT NULL AND o.sells IS NOT NULL",
    )
    .bind(onsale.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// Lets the sale of a locked room start now, if it would later: for the draw, and for bookings. Returns when it starts.
pub async fn start_sale(connection: &mut PgConnection, event: EventId) -> Result<Timestamp, StorageError> {
    let at: jiff_sqlx::Timestamp = sqlx::query_scalar(
        "UPDATE events SET onsale_at = least(onsale_at, now.at), lobby_opens_at = least(lobby_opens_at, now.at)
         FROM (SELECT clock_timestamp() AS at) now WHERE id = $1 RETURNING onsale_at",
    )
    .bind(event.0)
    .fetch_one(connection)
    .await?;
    Ok(at.to_jiff())
}

/// Whether every place to which the room lets in is paid for. Reads all that is taken, by the primary keys of `taken_seats` and `seats`: for
/// when it seems so.
pub async fn is_sold_out(connection: &mut PgConnection, room: &Room) -> Result<bool, StorageError> {
    let sells = room.sells.as_ref().map(|sells| numbers::<_, _, i16>(sells, |no| *no)).transpose()?;
    let sold_out: bool = sqlx::query_scalar(
        "SELECT count(*) FILTER (WHERE b.state = 'confirmed') >=
                CASE WHEN $2::smallint[] IS NULL THEN (SELECT capacity FROM events WHERE id = $1)
                     ELSE (SELECT count(*) FROM seats WHERE event = $1 AND category = ANY($2)) END
         FROM taken_seats s JOIN bookings b ON b.id = s.booking
              LEFT JOIN seats p ON $2 IS NOT NULL AND p.event = s.event AND p.no = s.seat
         WHERE s.event = $1 AND ($2 IS NULL OR p.category = ANY($2))",
    )
    .bind(room.seats_of.0)
    .bind(sells)
    .fetch_one(connection)
    .await?;
    Ok(sold_out)
}

/// The database's clock, in microseconds like everything it stores.
pub async fn now(connection: &mut PgConnection) -> Result<Timestamp, StorageError> {
    let now: jiff_sqlx::Timestamp = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(connection).await?;
    Ok(now.to_jiff())
}

fn one(rows: u64, what: &str) -> Result<(), StorageError> {
    if rows == 1 { Ok(()) } else { Err(StorageError::Unexpected(format!("rooms: {what} changed {rows} rows"))) }
}

/// Binds a time.
fn bindable(at: Timestamp) -> jiff_sqlx::Timestamp {
    at.to_sqlx()
}

//! What one batch of a lane writes: one statement, which is one transaction.
//!
//! It begins with the guarded update of the lane's row. Everything else joins it, so that a fence that does not hold writes nothing; and
//! every change repeats the guard it was decided under, counted at the end: a difference ends the transaction.

use goticket_contracts::events::DomainEvent;
use goticket_domain::{
    AccountId, BookingId, EventId, Money, PaymentId, SeatNo, SectionNo, TicketId,
    booking::{BookingState, IdempotencyKey, Order, PayloadHash, Refusal},
    payment::PaymentState,
};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::row::StoredRefusal;
use crate::StorageError;
use crate::columns::{number, numbers, unexpected, uuids};
use crate::lanes::Fence;

/// Everything one batch changes, each row once.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Requests that were decided, with the bookings some of them became.
    pub decided: Vec<DecidedRequest>,
    /// Bookings of earlier batches that have another state.
    pub moved: Vec<MovedBooking>,
    /// Seats with another owner.
    pub seats: Vec<SeatChange>,
    /// Payments with another state.
    pub payments: Vec<MovedPayment>,
    /// Notices (provider, id) that have had their effect.
    pub notices: Vec<(String, String)>,
    /// Tickets of bookings that were confirmed.
    pub tickets: Vec<NewTicket>,
    /// What is told of it, in order.
    pub events: Vec<DomainEvent>,
}

/// A request and what it came to.
#[derive(Clone, Debug)]
pub struct DecidedRequest {
    /// Its key.
    pub key: IdempotencyKey,
    /// What was asked.
    pub payload_hash: PayloadHash,
    /// What was decided.
    pub decision: Decision,
}

/// Seats, or none.
#[derive(Clone, Debug)]
pub enum Decision {
    /// A booking, in the state it has at the end of the batch.
    Held(Order, BookingState),
    /// No booking.
    Refused {
        /// The id it is answered under.
        booking: BookingId,
        /// For which event.
        event: EventId,
        /// For which section.
        section: SectionNo,
        /// Whose.
        account: AccountId,
        /// Why.
        refusal: Refusal,
    },
}

/// A stored booking's change of state.
#[derive(Clone, Copy, Debug)]
pub struct MovedBooking {
    /// Which.
    pub booking: BookingId,
    /// The state it must still be in.
    pub from: BookingState,
    /// The state it gets.
    pub to: BookingState,
    /// Whether its deadline must have passed, where that decided.
    pub overdue: Option<bool>,
}

/// A seat's change of owner.
#[derive(Clone, Copy, Debug)]
pub struct SeatChange {
    /// Of which event.
    pub event: EventId,
    /// Which seat.
    pub seat: SeatNo,
    /// The booking that must have it; none: it must be free.
    pub from: Option<BookingId>,
    /// The booking that gets it; none: it is freed.
    pub to: Option<BookingId>,
}

/// A payment's change of state.
#[derive(Clone, Debug)]
pub struct MovedPayment {
    /// Which.
    pub payment: PaymentId,
    /// For which booking it must be.
    pub booking: BookingId,
    /// At which provider.
    pub provider: String,
    /// What it must have asked for.
    pub asked: Money,
    /// The state it must still be in.
    pub from: PaymentState,
    /// The state it gets.
    pub to: PaymentState,
}

/// A ticket of a booking that was confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTicket {
    /// Which.
    pub id: TicketId,
    /// Of which booking.
    pub booking: BookingId,
    /// Of which event.
    pub event: EventId,
    /// For which seat.
    pub seat: SeatNo,
    /// What its QR code carries.
    pub code: String,
}

/// Writes a batch that was decided at `now`, if the lane still stands at `fence`; returns the database's clock. Afterwards the lane stands
/// at [`Fence::after`].
///
/// [`StorageError::Guard`] and [`StorageError::Constraint`] say what was not as expected; nothing is written then.
/// [`StorageError::Unavailable`] leaves open whether it was.
pub async fn write(db: &mut PgConnection, fence: &Fence, batch: &Batch, now: Timestamp) -> Result<Timestamp, StorageError> {
    let rows = batch.decided.iter().map(Row::of).collect::<Result<Vec<_>, _>>()?;
    let (freed, kept): (Vec<&SeatChange>, Vec<&SeatChange>) = batch.seats.iter().partition(|seat| seat.to.is_none());
    let (handed, taken): (Vec<&SeatChange>, Vec<&SeatChange>) =
        kept.into_iter().partition(|seat: &&SeatChange| seat.from.is_some());
    let owner = |booking: Option<BookingId>| booking.map_or(Uuid::nil(), |booking| booking.0);
    let bodies = batch.events.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>().map_err(unexpected)?;
    // Every join is a loop over primary keys; what is inserted meets unique indexes only. A concurrent transaction of an earlier owner
    // waits at the lane's row, or makes us wait there, and whoever comes second finds it moved.
    let clock: jiff_sqlx::Timestamp = sqlx::query_scalar(
        "WITH fence AS (
             UPDATE lanes SET sequence = sequence + 1, position = $4 + $5
             WHERE lane = $1 AND epoch = $2 AND sequence = $3 AND position = $4
             RETURNING 1),
         held AS MATERIALIZED (SELECT require(count(*), 1, 'fence') FROM fence),
         decided AS (
             INSERT INTO bookings (id, event, section, account, key, payload_hash, decided_at, seats, prices, total_minor, currency,
                                   held_until, refusal, state, hold_expires_at, changed_at)
             SELECT id, event, section, account, key, payload_hash, $6, seats::integer[], prices::bigint[], total_minor, currency,
                    held_until, refusal, state, held_until, $6
             FROM held, UNNEST($7::uuid[], $8::uuid[], $9::smallint[], $10::uuid[], $11::text[], $12::bytea[], $13::text[], $14::text[],
                               $15::bigint[], $16::text[], $17::timestamptz[], $18::jsonb[], $19::text[])
                        AS r (id, event, section, account, key, payload_hash, seats, prices, total_minor, currency, held_until, refusal,
                              state)),
         moved AS (
             UPDATE bookings b SET state = m.after, changed_at = $6
             FROM held, UNNEST($20::uuid[], $21::text[], $22::text[], $54::boolean[]) AS m (id, before, after, overdue)
             WHERE b.id = m.id AND b.state = m.before
               AND (m.overdue IS NULL OR m.overdue = (b.hold_expires_at <= $6))
             RETURNING 1),
         freed AS (
             DELETE FROM taken_seats t
             USING held, UNNEST($23::uuid[], $24::integer[], $25::uuid[]) AS f (event, seat, booking)
             WHERE t.event = f.event AND t.seat = f.seat AND t.booking = f.booking
             RETURNING 1),
         handed AS (
             UPDATE taken_seats t SET booking = h.after
             FROM held, UNNEST($26::uuid[], $27::integer[], $28::uuid[], $29::uuid[]) AS h (event, seat, before, after)
             WHERE t.event = h.event AND t.seat = h.seat AND t.booking = h.before
             RETURNING 1),
         taken AS (
             INSERT INTO taken_seats (event, seat, booking)
             SELECT event, seat, booking FROM held, UNNEST($30::uuid[], $31::integer[], $32::uuid[]) AS t (event, seat, booking)),
         paid AS (
             UPDATE payments p SET state = c.after, updated_at = $6
             FROM held, UNNEST($33::uuid[], $34::uuid[], $35::text[], $36::bigint[], $37::text[], $38::text[], $39::text[])
                        AS c (id, booking, provider, amount, currency, before, after)
             WHERE p.id = c.id AND p.booking = c.booking AND p.provider = c.provider AND p.amount_minor = c.amount
               AND p.currency::text = c.currency AND p.state = c.before
             RETURNING 1),
         seen AS (
             INSERT INTO webhooks_seen (provider, id, seen_at)
             SELECT provider, id, $6 FROM held, UNNEST($40::text[], $41::text[]) AS s (provider, id)),
         issued AS (
             INSERT INTO tickets (id, booking, event, seat, code, issued_at)
             SELECT id, booking, event, seat, code, $6
             FROM held, UNNEST($42::uuid[], $43::uuid[], $44::uuid[], $45::integer[], $46::text[]) AS i (id, booking, event, seat, code)),
         told AS (
             INSERT INTO outbox (lane, position, id, event, body, written_at)
             SELECT $1, $4 + place, id, event, body, $6
             FROM held, UNNEST($47::uuid[], $48::uuid[], $49::text[]) WITH ORDINALITY AS e (id, event, body, place))
         SELECT clock_timestamp()
         FROM held
         WHERE require((SELECT count(*) FROM moved), $50, 'bookings') AND require((SELECT count(*) FROM freed), $51, 'seats')
           AND require((SELECT count(*) FROM handed), $52, 'seats') AND require((SELECT count(*) FROM paid), $53, 'payments')",
    )
    .bind(number::<_, i16>(fence.lane.0)?)
    .bind(fence.epoch)
    .bind(fence.sequence)
    .bind(fence.position)
    .bind(number::<_, i64>(batch.events.len())?)
    .bind(now.to_sqlx())
    .bind(uuids(&rows, |row| row.id))
    .bind(uuids(&rows, |row| row.event))
    .bind(rows.iter().map(|row| row.section).collect::<Vec<_>>())
    .bind(uuids(&rows, |row| row.account))
    .bind(rows.iter().map(|row| row.key).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.payload_hash.as_slice()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.seats.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.prices.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.total_minor).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.currency).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.held_until.map(ToSqlx::to_sqlx)).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.refusal.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.state).collect::<Vec<_>>())
    .bind(uuids(&batch.moved, |moved| moved.booking.0))
    .bind(batch.moved.iter().map(|moved| moved.from.as_str()).collect::<Vec<_>>())
    .bind(batch.moved.iter().map(|moved| moved.to.as_str()).collect::<Vec<_>>())
    .bind(uuids(&freed, |seat| seat.event.0))
    .bind(numbers::<_, _, i32>(&freed, |seat| seat.seat.0)?)
    .bind(uuids(&freed, |seat| owner(seat.from)))
    .bind(uuids(&handed, |seat| seat.event.0))
    .bind(numbers::<_, _, i32>(&handed, |seat| seat.seat.0)?)
    .bind(uuids(&handed, |seat| owner(seat.from)))
    .bind(uuids(&handed, |seat| owner(seat.to)))
    .bind(uuids(&taken, |seat| seat.event.0))
    .bind(numbers::<_, _, i32>(&taken, |seat| seat.seat.0)?)
    .bind(uuids(&taken, |seat| owner(seat.to)))
    .bind(uuids(&batch.payments, |payment| payment.payment.0))
    .bind(uuids(&batch.payments, |payment| payment.booking.0))
    .bind(batch.payments.iter().map(|payment| payment.provider.as_str()).collect::<Vec<_>>())
    .bind(batch.payments.iter().map(|payment| payment.asked.amount_minor).collect::<Vec<_>>())
    .bind(batch.payments.iter().map(|payment| payment.asked.currency.code()).collect::<Vec<_>>())
    .bind(batch.payments.iter().map(|payment| payment.from.as_str()).collect::<Vec<_>>())
    .bind(batch.payments.iter().map(|payment| payment.to.as_str()).collect::<Vec<_>>())
    .bind(batch.notices.iter().map(|(provider, _)| provider.as_str()).collect::<Vec<_>>())
    .bind(batch.notices.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>())
    .bind(uuids(&batch.tickets, |ticket| ticket.id.0))
    .bind(uuids(&batch.tickets, |ticket| ticket.booking.0))
    .bind(uuids(&batch.tickets, |ticket| ticket.event.0))
    .bind(numbers::<_, _, i32>(&batch.tickets, |ticket| ticket.seat.0)?)
    .bind(batch.tickets.iter().map(|ticket| ticket.code.as_str()).collect::<Vec<_>>())
    .bind(uuids(&batch.events, |event| event.id))
    .bind(uuids(&batch.events, |event| event.subject.0))
    .bind(bodies)
    .bind(number::<_, i64>(batch.moved.len())?)
    .bind(number::<_, i64>(freed.len())?)
    .bind(number::<_, i64>(handed.len())?)
    .bind(number::<_, i64>(batch.payments.len())?)
    .bind(batch.moved.iter().map(|moved| moved.overdue).collect::<Vec<_>>())
    .fetch_one(db)
    .await?;
    Ok(clock.to_jiff())
}

/// A row of `bookings` on its way.
struct Row<'a> {
    id: Uuid,
    event: Uuid,
    section: i16,
    account: Uuid,
    key: &'a str,
    payload_hash: [u8; 32],
    /// Arrays of different lengths travel as Postgres writes them: `{1,2}`.
    seats: String,
    prices: String,
    total_minor: i64,
    currency: Option<&'static str>,
    held_until: Option<Timestamp>,
    refusal: Option<Value>,
    state: &'static str,
}

impl<'a> Row<'a> {
    fn of(request: &'a DecidedRequest) -> Result<Self, StorageError> {
        let (key, payload_hash) = (request.key.as_str(), request.payload_hash.0);
        Ok(match &request.decision {
            Decision::Held(order, state) => Self {
                id: order.id.0,
                event: order.event.0,
                section: number(order.section.0)?,
                account: order.account.0,
                key,
                payload_hash,
                seats: array(order.seats.iter()),
                prices: array(order.prices.iter()),
                total_minor: order.total.amount_minor,
                currency: Some(order.total.currency.code()),
                held_until: Some(order.hold_expires_at),
                refusal: None,
                state: state.as_str(),
            },
            Decision::Refused { booking, event, section, account, refusal } => Self {
                id: booking.0,
                event: event.0,
                section: number(section.0)?,
                account: account.0,
                key,
                payload_hash,
                seats: array(refusal.seats.iter()),
                prices: array::<i64>([].iter()),
                total_minor: 0,
                currency: None,
                held_until: None,
                refusal: Some(serde_json::to_value(StoredRefusal::from(refusal)).map_err(unexpected)?),
                state: "refused",
            },
        })
    }
}

fn array<'a, T: std::fmt::Display + 'a>(items: impl Iterator<Item = &'a T>) -> String {
    let mut text = String::from("{");
    for (index, item) in items.enumerate() {
        use std::fmt::Write as _;
        let comma = if index == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{item}");
    }
    text.push('}');
    text
}

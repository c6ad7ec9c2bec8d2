//! The checks that need outbox rows: what happened is told, and told once. Only what began since the outbox is complete (`$2`).

use super::Check;

/// What became of bookings.
///
/// A booking that is confirmed may have ended before: paid late, while its seats were still free. Paid at or after its deadline it had
/// expired, unless its fan had given it back.
pub(super) const BOOKINGS: Check = Check {
    name: "outcomes are told once",
    proves: "every outcome, confirmation, expiry, cancellation and refund of a booking stands in the outbox exactly once",
    sql: "WITH fact AS (
            SELECT (body::jsonb #>> '{data,booking}')::uuid AS booking, type FROM outbox WHERE $1::uuid IS NULL OR event = $1),
          life AS (
            SELECT r.booking, coalesce(b.state, 'refused') AS state, b.decided_at >= b.hold_expires_at AS late,
                   count(*) FILTER (WHERE f.type = 'goticket.BookingCreated') AS created,
                   count(*) FILTER (WHERE f.type = 'goticket.BookingRefused') AS refused,
                   count(*) FILTER (WHERE f.type = 'goticket.BookingConfirmed') AS confirmed,
                   count(*) FILTER (WHERE f.type = 'goticket.BookingExpired') AS expired,
                   count(*) FILTER (WHERE f.type = 'goticket.BookingCancelled') AS cancelled,
                   count(*) FILTER (WHERE f.type = 'goticket.BookingRefunded') AS refunded
              FROM booking_requests r
              LEFT JOIN bookings b ON b.id = r.booking
              LEFT JOIN fact f ON f.booking = r.booking
             WHERE ($1::uuid IS NULL OR r.event = $1) AND r.decided_at >= $2
             GROUP BY r.booking, b.id)
          SELECT booking || ' is ' || state || ', told as ' || fact || ' ' || told || ' times' AS what
            FROM life
           CROSS JOIN LATERAL (VALUES
                 ('created', created, (state <> 'refused')::int),
                 ('refused', refused, (state = 'refused')::int),
                 ('confirmed', confirmed, (state IN ('confirmed', 'refunded'))::int),
                 ('expired', expired, CASE state
                   WHEN 'confirmed' THEN (late AND cancelled = 0)::int
                   -- When it was confirmed is not known any more.
                   WHEN 'refunded' THEN least(expired, 1)
                   ELSE (state = 'expired')::int END),
                 ('cancelled', cancelled, CASE
                   WHEN state IN ('confirmed', 'refunded') THEN least(cancelled, 1)
                   ELSE (state = 'cancelled')::int END),
                 ('refunded', refunded, (state = 'refunded')::int)) AS due (fact, told, times)
           WHERE told <> times",
};

/// What became of payments. A declined attempt may be paid after all: the provider's page lets the fan try another card.
pub(super) const PAYMENTS: Check = Check {
    name: "payments are told once",
    proves: "every state that a payment came to stands in the outbox exactly once, in order; of an open one nothing does",
    sql: "WITH told AS (
            SELECT (body::jsonb #>> '{data,payment}')::uuid AS payment,
                   string_agg(body::jsonb #>> '{data,state}', ' ' ORDER BY xid, sequence) AS states
              FROM outbox WHERE type = 'goticket.PaymentProcessed' AND ($1::uuid IS NULL OR event = $1) GROUP BY 1)
          SELECT p.id || ' ' || p.state || ', told: ' || coalesce(t.states, 'nothing') AS what
            FROM payments p
            JOIN bookings b ON b.id = p.booking
            LEFT JOIN told t ON t.payment = p.id
           WHERE ($1::uuid IS NULL OR b.event = $1) AND p.created_at >= $2
             AND coalesce(t.states, '') !~ CASE p.state
                   WHEN 'open' THEN '^$'
                   WHEN 'declined' THEN '^declined$'
                   WHEN 'refunded' THEN '^(declined )?refund_due refunded$'
                   ELSE '^(declined )?' || p.state || '$' END",
};

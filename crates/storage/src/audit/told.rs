//! The checks that need outbox rows: what happened is told, and told once. Only what began since the outbox is complete (`$2`).

use super::Check;

/// What became of bookings.
///
/// A booking that is confirmed may have expired before: paid at or after its deadline, while its seats were still free.
pub(super) const BOOKINGS: Check = Check {
    name: "outcomes are told once",
    proves: "every outcome, confirmation, expiry, cancellation and refund of a booking stands in the outbox exactly once",
    sql: "WITH fact AS (
            SELECT (body::jsonb #>> '{data,booking}')::uuid AS booking, body::jsonb ->> 'type' AS type FROM outbox WHERE $1::uuid IS NULL OR event = $1),
          life AS (
            SELECT r.id AS booking, r.state, r.changed_at >= r.hold_expires_at AS late,
                   count(*) FILTER (WHERE f.type = 'goticket.BookingCreated') AS created,
                   count(*) FILTER (WHERE f.type = 'goticket.BookingRefused') AS refused,
                   count(*) FILTER (WHERE f.type = 'goticket.BookingConfirmed') AS confirmed,
                   count(*) FILTER (WHERE f.type = 'goticket.BookingExpired') AS expired,
                   count(*) FILTER (WHERE f.type = 'goticket.BookingCancelled') AS cancelled,
                   count(*) FILTER (WHERE f.type = 'goticket.BookingRefunded') AS refunded
              FROM bookings r
              LEFT JOIN fact f ON f.booking = r.id
             WHERE ($1::uuid IS NULL OR r.event = $1) AND r.decided_at >= $2
             GROUP BY r.id)
          SELECT booking || ' is ' || state || ', told as ' || fact || ' ' || told || ' times' AS what
            FROM life
           CROSS JOIN LATERAL (VALUES
                 ('created', created, (state <> 'refused')::int),
                 ('refused', refused, (state = 'refused')::int),
                 ('confirmed', confirmed, (state IN ('confirmed', 'refunded'))::int),
                 ('expired', expired, CASE state
                   WHEN 'confirmed' THEN late::int
                   -- When it was confirmed is not known any more.
                   WHEN 'refunded' THEN least(expired, 1)
                   ELSE (state = 'expired')::int END),
                 ('cancelled', cancelled, (state = 'cancelled')::int),
                 ('refunded', refunded, (state = 'refunded')::int)) AS due (fact, told, times)
           WHERE told <> times",
};

/// What became of payments. A declined attempt may be paid after all: the provider's page lets the fan try another card.
pub(super) const PAYMENTS: Check = Check {
    name: "payments are told once",
    proves: "every state that a payment came to stands in the outbox exactly once, in order; of an open one nothing does",
    sql: "WITH told AS (
            SELECT (body::jsonb #>> '{data,payment}')::uuid AS payment,
                   string_agg(body::jsonb #>> '{data,state}', ' ' ORDER BY lane, position) AS states
              FROM outbox WHERE body::jsonb ->> 'type' = 'goticket.PaymentProcessed' AND ($1::uuid IS NULL OR event = $1) GROUP BY 1)
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

/// Positions are given under the lane's row: a gap is a row that was lost.
pub(super) const POSITIONS: Check = Check {
    name: "positions",
    proves: "the outbox rows of each lane have every position up to the lane's own, but for those that were dropped from the beginning",
    sql: "SELECT 'lane ' || lane || ': ' || rows || ' rows from ' || first || ' to ' || last || ', the lane stands at ' || position AS what
            FROM (SELECT l.lane, l.position, count(*) AS rows, min(o.position) AS first, max(o.position) AS last
                    FROM lanes l JOIN outbox o ON o.lane = l.lane GROUP BY l.lane) counted
           WHERE rows <> last - first + 1 OR last <> position",
};

/// What is told must be a history that could have happened, whatever the positions say: a seat is given when it is free.
pub(super) const HISTORY: Check = Check {
    name: "history",
    proves: "in the order in which it is told, no seat is given to a booking before the one that had it gave it back",
    sql: "WITH told AS (
            SELECT event, seat::int, lane, position, body::jsonb ->> 'type' AS type, body::jsonb #>> '{data,booking}' AS booking
              FROM outbox, jsonb_array_elements_text(body::jsonb #> '{data,seats}') AS seat
             WHERE ($1::uuid IS NULL OR event = $1)),
          step AS (
            SELECT *, lag(type) OVER life AS type_before, lag(booking) OVER life AS booking_before FROM told
            WINDOW life AS (PARTITION BY event, seat ORDER BY lane, position))
          SELECT event || ' seat ' || seat || ': ' || booking || ' ' || type || ' after ' || booking_before || ' ' || type_before AS what
            FROM step
           WHERE type_before IS NOT NULL
             AND CASE type
                   WHEN 'goticket.BookingCreated'
                     THEN type_before NOT IN ('goticket.BookingExpired', 'goticket.BookingCancelled', 'goticket.BookingRefunded')
                   WHEN 'goticket.BookingConfirmed'
                     THEN type_before NOT IN ('goticket.BookingCreated', 'goticket.BookingExpired', 'goticket.BookingCancelled',
                                              'goticket.BookingRefunded')
                          OR (type_before = 'goticket.BookingCreated' AND booking <> booking_before)
                   ELSE booking <> booking_before
                 END",
};

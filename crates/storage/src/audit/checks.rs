//! The checks: a name, what it proves, and the statement that finds its violations.
//!
//! `$1` is the event, or null for all. Each statement yields one text column `what`.

/// One check.
#[derive(Debug)]
pub struct Check {
    /// Short name, as reports show it.
    pub name: &'static str,
    /// What an empty result proves.
    pub proves: &'static str,
    /// Finds violations.
    pub sql: &'static str,
}

/// All checks, in the order of a ticket's path.
pub const CHECKS: &[Check] = &[
    Check {
        name: "capacity",
        proves: "every event has as many seats as its capacity says: sold + held + free = capacity",
        sql: "SELECT e.id::text AS what FROM events e
               WHERE ($1::uuid IS NULL OR e.id = $1)
                 AND e.capacity <> (SELECT count(*) FROM seats s WHERE s.event = e.id)",
    },
    Check {
        name: "oversold",
        proves: "no seat belongs to two bookings, and none has two tickets of confirmed bookings",
        sql: "SELECT event || ' seat ' || seat AS what FROM booking_seats
               WHERE live AND ($1::uuid IS NULL OR event = $1) GROUP BY event, seat HAVING count(*) > 1
              UNION
              SELECT t.event || ' seat ' || t.seat FROM tickets t JOIN bookings b ON b.id = t.booking
               WHERE b.state = 'confirmed' AND ($1::uuid IS NULL OR t.event = $1) GROUP BY t.event, t.seat HAVING count(*) > 1",
    },
    Check {
        name: "seats follow the booking",
        proves: "held and confirmed bookings own exactly their seats, all others none",
        sql: "SELECT b.id::text AS what FROM bookings b
                LEFT JOIN booking_seats s ON s.booking = b.id
               WHERE ($1::uuid IS NULL OR b.event = $1)
               GROUP BY b.id
              HAVING count(s.seat) <> b.quantity
                  OR count(s.seat) FILTER (WHERE s.live) <> CASE WHEN b.state IN ('held', 'confirmed') THEN b.quantity ELSE 0 END
                  OR sum(s.price_minor) <> b.total_minor",
    },
    Check {
        name: "one request, one outcome",
        proves: "every booking was decided under exactly one idempotency key, and every refused request has no booking",
        sql: "SELECT b.id::text AS what FROM bookings b LEFT JOIN booking_requests r ON r.booking = b.id
               WHERE ($1::uuid IS NULL OR b.event = $1) AND (r.booking IS NULL OR r.outcome ->> 'outcome' <> 'held')
              UNION
              SELECT r.booking::text FROM booking_requests r LEFT JOIN bookings b ON b.id = r.booking
               WHERE ($1::uuid IS NULL OR r.event = $1) AND (b.id IS NULL) <> (r.outcome ->> 'outcome' = 'refused')",
    },
    Check {
        name: "ticket limit",
        proves: "every account's counter equals its live seats and stays within the event's limit",
        sql: "SELECT e.id || ' account ' || coalesce(c.account, l.account) AS what
                FROM (SELECT b.event, b.account, sum(b.quantity) AS live FROM bookings b
                       WHERE b.state IN ('held', 'confirmed') AND ($1::uuid IS NULL OR b.event = $1) GROUP BY 1, 2) l
                FULL JOIN (SELECT * FROM account_tickets WHERE $1::uuid IS NULL OR event = $1) c
                       ON c.event = l.event AND c.account = l.account
                JOIN events e ON e.id = coalesce(c.event, l.event)
               WHERE coalesce(c.tickets, 0) <> coalesce(l.live, 0) OR coalesce(c.tickets, 0) > e.ticket_limit",
    },
    Check {
        name: "holds end",
        proves: "no hold outlives its deadline by more than a minute",
        sql: "SELECT id::text AS what FROM bookings
               WHERE state = 'held' AND hold_expires_at < now() - interval '1 minute' AND ($1::uuid IS NULL OR event = $1)",
    },
    Check {
        name: "outcomes are told once",
        proves: "every outcome and every change of a booking stands in the outbox exactly once",
        sql: "WITH told AS (
                SELECT (body::jsonb #>> '{data,booking}')::uuid AS booking, type, count(*) AS n FROM outbox
                 WHERE $1::uuid IS NULL OR event = $1 GROUP BY 1, 2)
              SELECT r.booking || ' ' || want.type AS what
                FROM booking_requests r
                LEFT JOIN bookings b ON b.id = r.booking
               CROSS JOIN LATERAL (VALUES
                     ('goticket.BookingCreated', b.id IS NOT NULL),
                     ('goticket.BookingRefused', b.id IS NULL),
                     ('goticket.BookingConfirmed', b.state IN ('confirmed', 'refunded')),
                     ('goticket.BookingCancelled', b.state = 'cancelled'),
                     ('goticket.BookingRefunded', b.state = 'refunded')) AS want (type, told)
                LEFT JOIN told have ON have.booking = r.booking AND have.type = want.type
               WHERE ($1::uuid IS NULL OR r.event = $1) AND coalesce(have.n, 0) <> coalesce(want.told, false)::int
                 -- Given back, then paid for after all while the seats were still free.
                 AND NOT (want.type = 'goticket.BookingCancelled' AND have.n = 1 AND b.state IN ('confirmed', 'refunded'))",
    },
    Check {
        name: "money for seats",
        proves: "every confirmed booking has exactly one payment of its price, and no other booking keeps money",
        sql: "SELECT b.id::text AS what FROM bookings b
                LEFT JOIN payments p ON p.booking = b.id AND p.state = 'paid'
               WHERE ($1::uuid IS NULL OR b.event = $1)
               GROUP BY b.id
              HAVING count(p.id) <> (b.state = 'confirmed')::int
                  OR bool_or(p.amount_minor <> b.total_minor OR p.currency <> b.currency)",
    },
    Check {
        name: "refunds arrive",
        proves: "no money is waiting to go back, and no payment waits for a person",
        sql: "SELECT p.id || ' ' || p.state AS what FROM payments p JOIN bookings b ON b.id = p.booking
               WHERE p.state IN ('refund_due', 'review') AND ($1::uuid IS NULL OR b.event = $1)",
    },
    Check {
        name: "tickets",
        proves: "every confirmed booking has one ticket per seat, no other booking has any that counts",
        sql: "SELECT b.id::text AS what FROM bookings b
                LEFT JOIN tickets t ON t.booking = b.id
               WHERE ($1::uuid IS NULL OR b.event = $1) AND b.state = 'confirmed'
               GROUP BY b.id HAVING count(t.id) <> b.quantity",
    },
    Check {
        name: "mails",
        proves: "every confirmed booking's tickets were sent",
        sql: "SELECT b.id || ' ' || coalesce(n.state, 'missing') AS what FROM bookings b
                LEFT JOIN notifications n ON n.booking = b.id AND n.kind = 'ticket'
               WHERE ($1::uuid IS NULL OR b.event = $1) AND b.state = 'confirmed' AND coalesce(n.state, '') <> 'sent'",
    },
];

//! The checks: a name, what it proves, and the statement that finds its violations.
//!
//! `$1` is the event, or null for all; `$2` the moment since which the outbox is complete. Each statement yields one text column
//! `what`.

use super::Check;

/// Each of these events with its seats, counted three times: those of confirmed bookings, those of held ones, and those that no
/// live booking has. None is a difference of the others.
macro_rules! seats_by_event {
    () => {
        "SELECT e.id, e.capacity::bigint AS capacity, taken.sold, taken.held, untaken.free
           FROM events e
          CROSS JOIN LATERAL (
                SELECT count(*) FILTER (WHERE b.state = 'confirmed') AS sold, count(*) FILTER (WHERE b.state = 'held') AS held
                  FROM booking_seats s JOIN bookings b ON b.id = s.booking WHERE s.event = e.id AND s.live) AS taken
          CROSS JOIN LATERAL (
                SELECT count(*) AS free FROM seats s
                 WHERE s.event = e.id
                   AND NOT EXISTS (SELECT FROM booking_seats b WHERE b.event = s.event AND b.seat = s.no AND b.live)) AS untaken
          WHERE ($1::uuid IS NULL OR e.id = $1)"
    };
}
pub(super) use seats_by_event;

/// All checks, in the order of a ticket's path.
pub const CHECKS: &[Check] = &[
    Check {
        name: "capacity",
        proves: "sold + held + free = capacity, each counted by itself; free is a seat that no live booking has",
        sql: concat!(
            "SELECT id || ': ' || sold || ' + ' || held || ' + ' || free || ' <> ' || capacity AS what FROM (",
            seats_by_event!(),
            ") AS counted WHERE sold + held + free <> capacity"
        ),
    },
    Check {
        name: "oversold",
        proves: "no seat is live in two bookings, and none has tickets of two confirmed bookings",
        sql: "SELECT event || ' seat ' || seat AS what FROM booking_seats
               WHERE live AND ($1::uuid IS NULL OR event = $1) GROUP BY event, seat HAVING count(*) > 1
              UNION
              SELECT t.event || ' seat ' || t.seat FROM tickets t JOIN bookings b ON b.id = t.booking
               WHERE b.state = 'confirmed' AND ($1::uuid IS NULL OR t.event = $1) GROUP BY t.event, t.seat HAVING count(*) > 1",
    },
    Check {
        name: "seats follow the booking",
        proves: "every booking has as many seats as it says, all live while it is held or confirmed, else none; prices add up",
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
        proves: "every booking was decided under one idempotency key, and every other key was refused",
        sql: "SELECT b.id::text AS what FROM bookings b LEFT JOIN booking_requests r ON r.booking = b.id
               WHERE ($1::uuid IS NULL OR b.event = $1) AND (r.booking IS NULL OR r.outcome ->> 'outcome' <> 'held')
              UNION
              SELECT r.booking::text FROM booking_requests r LEFT JOIN bookings b ON b.id = r.booking
               WHERE ($1::uuid IS NULL OR r.event = $1) AND (b.id IS NULL) <> (r.outcome ->> 'outcome' = 'refused')",
    },
    Check {
        name: "references",
        proves: "what a booking names exists, and every request, payment, ticket and notification is of something that does",
        sql: "SELECT 'booking ' || b.id AS what FROM bookings b
               WHERE ($1::uuid IS NULL OR b.event = $1)
                 AND (NOT EXISTS (SELECT FROM events e WHERE e.id = b.event) OR NOT EXISTS (SELECT FROM accounts a WHERE a.id = b.account))
              UNION
              SELECT 'request ' || r.booking FROM booking_requests r
               WHERE ($1::uuid IS NULL OR r.event = $1) AND NOT EXISTS (SELECT FROM accounts a WHERE a.id = r.account)
              UNION
              SELECT 'seat ' || s.seat || ' of booking ' || s.booking FROM booking_seats s
               WHERE ($1::uuid IS NULL OR s.event = $1)
                 AND (NOT EXISTS (SELECT FROM bookings b WHERE b.id = s.booking AND b.event = s.event)
                      OR NOT EXISTS (SELECT FROM seats p WHERE p.event = s.event AND p.no = s.seat))
              UNION
              SELECT 'ticket ' || t.id FROM tickets t
               WHERE ($1::uuid IS NULL OR t.event = $1) AND NOT EXISTS (SELECT FROM bookings b WHERE b.id = t.booking AND b.event = t.event)
              -- Whose event is not known any more, whatever is asked about.
              UNION
              SELECT 'payment ' || p.id FROM payments p WHERE NOT EXISTS (SELECT FROM bookings b WHERE b.id = p.booking)
              UNION
              SELECT 'notification ' || n.id FROM notifications n WHERE NOT EXISTS (SELECT FROM bookings b WHERE b.id = n.booking)",
    },
    Check {
        name: "ticket limit",
        proves: "every account's counter equals the seats of its held and confirmed bookings, and is within the event's limit",
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
    super::told::BOOKINGS,
    super::told::PAYMENTS,
    Check {
        name: "money for seats",
        proves: "every confirmed booking has exactly one paid payment, of its price, and no other booking has one",
        sql: "SELECT b.id::text AS what FROM bookings b
                LEFT JOIN payments p ON p.booking = b.id AND p.state = 'paid'
               WHERE ($1::uuid IS NULL OR b.event = $1)
               GROUP BY b.id
              HAVING count(p.id) <> (b.state = 'confirmed')::int
                  OR bool_or(p.amount_minor <> b.total_minor OR p.currency <> b.currency)",
    },
    Check {
        name: "refunds arrive",
        proves: "no payment waits to go back, and none waits for a person",
        sql: "SELECT p.id || ' ' || p.state AS what FROM payments p JOIN bookings b ON b.id = p.booking
               WHERE p.state IN ('refund_due', 'review') AND ($1::uuid IS NULL OR b.event = $1)",
    },
    Check {
        name: "tickets",
        proves: "every seat of a booking that was confirmed has exactly one ticket, and there are no others",
        sql: "SELECT booking || ' seat ' || seat AS what
                FROM (SELECT s.booking, s.seat, 1 AS due FROM booking_seats s JOIN bookings b ON b.id = s.booking
                       WHERE b.state IN ('confirmed', 'refunded') AND ($1::uuid IS NULL OR s.event = $1)) s
                FULL JOIN (SELECT booking, seat, id FROM tickets WHERE $1::uuid IS NULL OR event = $1) t USING (booking, seat)
               GROUP BY booking, seat HAVING count(s.due) <> 1 OR count(t.id) <> 1",
    },
    Check {
        name: "mails",
        proves: "every booking that was confirmed has exactly one notification, which is marked as sent; no other booking has one",
        sql: "SELECT b.id || ' ' || coalesce(string_agg(n.state, ', '), 'missing') AS what FROM bookings b
                LEFT JOIN notifications n ON n.booking = b.id AND n.kind = 'ticket'
               WHERE ($1::uuid IS NULL OR b.event = $1)
               GROUP BY b.id
              HAVING count(n.id) <> (b.state IN ('confirmed', 'refunded'))::int
                  OR count(n.sent_at) FILTER (WHERE n.state = 'sent') <> count(n.id)",
    },
];

//! The checks: a name, what it proves, and the statement that finds its violations.
//!
//! `$1` is the event, or null for all; `$2` the moment since which the outbox is complete. Each statement yields one text column
//! `what`.

use super::Check;

/// Each of these events with its seats, counted three times: those of confirmed bookings, those of held ones, and those that no
/// live booking has. None is a difference of the others.
macro_rules! seats_by_event {
    () => {
        "SELECT e.id, e.capacity::bigint AS capacity, coalesce(taken.sold, 0) AS sold, coalesce(taken.held, 0) AS held,
                coalesce(untaken.free, 0) AS free
           FROM events e
           LEFT JOIN (
                SELECT s.event, count(*) FILTER (WHERE b.state = 'confirmed') AS sold, count(*) FILTER (WHERE b.state = 'held') AS held
                  FROM taken_seats s JOIN bookings b ON b.id = s.booking
                 WHERE $1::uuid IS NULL OR s.event = $1 GROUP BY s.event) AS taken ON taken.event = e.id
           LEFT JOIN (
                SELECT s.event, count(*) AS free FROM seats s
                 WHERE ($1::uuid IS NULL OR s.event = $1)
                   AND NOT EXISTS (SELECT FROM taken_seats t WHERE t.event = s.event AND t.seat = s.no)
                 GROUP BY s.event) AS untaken ON untaken.event = e.id
          WHERE ($1::uuid IS NULL OR e.id = $1) AND e.onsale_of IS NULL"
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
        sql: "SELECT event || ' seat ' || seat AS what FROM bookings, unnest(seats) AS seat
               WHERE state IN ('held', 'confirmed') AND ($1::uuid IS NULL OR event = $1) GROUP BY event, seat HAVING count(*) > 1
              UNION
              SELECT t.event || ' seat ' || t.seat FROM tickets t JOIN bookings b ON b.id = t.booking
               WHERE b.state = 'confirmed' AND ($1::uuid IS NULL OR t.event = $1) GROUP BY t.event, t.seat HAVING count(*) > 1",
    },
    Check {
        name: "seats follow the booking",
        proves: "every held or confirmed booking has exactly the seats it was given, every other none; its prices add up",
        sql: "SELECT b.id::text AS what FROM bookings b
                LEFT JOIN LATERAL (SELECT array_agg(t.seat ORDER BY t.seat) AS seats FROM unnest(b.seats) AS s
                                     JOIN taken_seats t ON t.event = b.event AND t.seat = s AND t.booking = b.id) AS taken ON true
               WHERE ($1::uuid IS NULL OR b.event = $1)
                 AND (coalesce(taken.seats, '{}') <> CASE WHEN b.state IN ('held', 'confirmed') THEN b.seats ELSE '{}' END
                      OR b.total_minor <> coalesce((SELECT sum(p) FROM unnest(b.prices) AS p), 0)
                      OR (b.state <> 'refused' AND cardinality(b.prices) <> cardinality(b.seats)))
              UNION
              SELECT t.event || ' seat ' || t.seat FROM taken_seats t LEFT JOIN bookings b ON b.id = t.booking AND t.seat = ANY(b.seats)
               WHERE ($1::uuid IS NULL OR t.event = $1) AND (b.id IS NULL OR b.event <> t.event)",
    },
    Check {
        name: "one request, one outcome",
        proves: "every key of an account was decided once: seats with their price and deadline, or a reason",
        sql: "SELECT account || ' ' || key AS what FROM bookings WHERE $1::uuid IS NULL OR event = $1
               GROUP BY account, key HAVING count(*) > 1
              UNION
              SELECT id::text FROM bookings
               WHERE ($1::uuid IS NULL OR event = $1)
                 AND CASE WHEN state = 'refused' THEN refusal ->> 'reason' IS NULL
                          ELSE held_until IS NULL OR currency IS NULL OR cardinality(seats) = 0 OR refusal IS NOT NULL END",
    },
    Check {
        name: "references",
        proves: "what a booking names exists, and every ticket, payment and notification is of a booking that does",
        sql: "SELECT 'booking ' || b.id AS what FROM bookings b
                LEFT JOIN events e ON e.id = b.event LEFT JOIN accounts a ON a.id = b.account
               WHERE ($1::uuid IS NULL OR b.event = $1) AND (a.id IS NULL OR (e.id IS NULL AND b.state <> 'refused'))
              UNION
              SELECT 'booking ' || b.id || ' seat ' || seat FROM bookings b, unnest(b.seats) AS seat
               WHERE ($1::uuid IS NULL OR b.event = $1) AND b.state <> 'refused'
                 AND NOT EXISTS (SELECT FROM seats s WHERE s.event = b.event AND s.no = seat)
              UNION
              SELECT 'ticket ' || t.id FROM tickets t
               WHERE ($1::uuid IS NULL OR t.event = $1) AND NOT EXISTS (SELECT FROM bookings b WHERE b.id = t.booking AND b.event = t.event)
              -- Whose event is not known any more, whatever is asked about.
              UNION
              SELECT 'payment ' || p.id FROM payments p
               WHERE NOT EXISTS (SELECT FROM bookings b WHERE b.id = p.booking AND b.state <> 'refused')
              UNION
              SELECT 'notification ' || n.id FROM notifications n WHERE NOT EXISTS (SELECT FROM bookings b WHERE b.id = n.booking)",
    },
    Check {
        name: "ticket limit",
        proves: "no account has more seats of an event in held and confirmed bookings than the event allows",
        sql: "SELECT e.id || ' account ' || live.account AS what
                FROM (SELECT event, account, sum(cardinality(seats)) AS tickets FROM bookings
                       WHERE state IN ('held', 'confirmed') AND ($1::uuid IS NULL OR event = $1) GROUP BY 1, 2) live
                JOIN events e ON e.id = live.event
               WHERE live.tickets > e.ticket_limit",
    },
    Check {
        name: "holds end",
        proves: "no hold outlives its deadline by more than a minute",
        sql: "SELECT id::text AS what FROM bookings
               WHERE state = 'held' AND hold_expires_at < now() - interval '1 minute' AND ($1::uuid IS NULL OR event = $1)",
    },
    super::rooms::LOGS,
    super::groups::GROUPS,
    super::told::BOOKINGS,
    super::told::PAYMENTS,
    super::told::POSITIONS,
    super::told::HISTORY,
    Check {
        name: "money for seats",
        proves: "every confirmed booking has exactly one paid payment, of its price, and no other booking has one",
        sql: "SELECT b.id::text AS what FROM bookings b
                LEFT JOIN payments p ON p.booking = b.id AND p.state = 'paid'
               WHERE ($1::uuid IS NULL OR b.event = $1) AND b.state <> 'refused'
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
                FROM (SELECT b.id AS booking, seat, 1 AS due FROM bookings b, unnest(b.seats) AS seat
                       WHERE b.state IN ('confirmed', 'refunded') AND ($1::uuid IS NULL OR b.event = $1)) s
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

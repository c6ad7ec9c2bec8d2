//! What may go wrong in the tables, and the check that must find it.

/// Check and damage; every check that reads tables is here at least once.
pub(super) const DAMAGES: &[(&str, &str)] = &[
    ("capacity", "UPDATE events SET capacity = capacity + 1"),
    ("capacity", "DELETE FROM seats s WHERE NOT EXISTS (SELECT FROM booking_seats b WHERE b.event = s.event AND b.seat = s.no)"),
    // Neither free nor anybody's.
    ("capacity", "UPDATE booking_seats s SET live = true FROM bookings b WHERE b.id = s.booking AND b.state = 'expired'"),
    (
        "oversold",
        "DROP INDEX booking_seats_one_live;
         INSERT INTO booking_seats SELECT h.id, s.event, s.seat, s.section, s.price_minor, true FROM booking_seats s
           JOIN bookings b ON b.id = s.booking AND b.state = 'confirmed', bookings h WHERE h.state = 'held'",
    ),
    ("oversold", "UPDATE tickets SET seat = (SELECT min(seat) FROM tickets) WHERE seat = (SELECT max(seat) FROM tickets)"),
    ("seats follow the booking", "UPDATE booking_seats SET live = false"),
    ("seats follow the booking", "UPDATE booking_seats SET price_minor = price_minor + 1"),
    ("seats follow the booking", "DELETE FROM booking_seats s USING bookings b WHERE b.id = s.booking AND b.state = 'cancelled'"),
    ("one request, one outcome", "DELETE FROM booking_requests WHERE outcome ->> 'outcome' = 'held'"),
    ("one request, one outcome", "UPDATE booking_requests SET booking = gen_random_uuid() WHERE outcome ->> 'outcome' = 'held'"),
    ("references", "UPDATE bookings SET account = gen_random_uuid() WHERE state = 'confirmed'"),
    ("references", "UPDATE booking_requests SET account = gen_random_uuid() WHERE outcome ->> 'outcome' = 'refused'"),
    ("references", "UPDATE booking_seats SET seat = seat + 100000 WHERE live"),
    (
        "references",
        "UPDATE booking_seats SET booking = gen_random_uuid() WHERE seat = (SELECT min(seat) FROM booking_seats WHERE live)",
    ),
    ("references", "UPDATE tickets SET booking = gen_random_uuid() WHERE seat = (SELECT min(seat) FROM tickets)"),
    ("references", "UPDATE payments SET booking = gen_random_uuid() WHERE state = 'paid'"),
    ("references", "UPDATE notifications SET booking = gen_random_uuid()"),
    ("ticket limit", "UPDATE account_tickets SET tickets = tickets + 1"),
    ("ticket limit", "DELETE FROM account_tickets"),
    ("ticket limit", "UPDATE events SET ticket_limit = 1"),
    ("holds end", "UPDATE bookings SET hold_expires_at = now() - interval '2 minutes' WHERE state = 'held'"),
    ("outcomes are told once", "DELETE FROM outbox WHERE type = 'goticket.BookingCreated'"),
    ("outcomes are told once", "DELETE FROM outbox WHERE type = 'goticket.BookingRefused'"),
    ("outcomes are told once", "DELETE FROM outbox WHERE type = 'goticket.BookingConfirmed'"),
    ("outcomes are told once", "DELETE FROM outbox WHERE type = 'goticket.BookingCancelled'"),
    (
        "outcomes are told once",
        "DELETE FROM outbox o USING bookings b
          WHERE o.type = 'goticket.BookingExpired' AND b.id::text = o.body::jsonb #>> '{data,booking}' AND b.state = 'expired'",
    ),
    // It was confirmed later: that it had expired was to be told all the same.
    (
        "outcomes are told once",
        "DELETE FROM outbox o USING bookings b
          WHERE o.type = 'goticket.BookingExpired' AND b.id::text = o.body::jsonb #>> '{data,booking}' AND b.state = 'confirmed'",
    ),
    (
        "outcomes are told once",
        "INSERT INTO outbox (id, topic, event, type, body) SELECT gen_random_uuid(), topic, event, type, body FROM outbox",
    ),
    // Told of a booking to which it did not happen.
    ("outcomes are told once", "UPDATE bookings SET state = 'held' WHERE state = 'expired'"),
    ("payments are told once", "DELETE FROM outbox WHERE type = 'goticket.PaymentProcessed'"),
    (
        "payments are told once",
        "DELETE FROM outbox WHERE type = 'goticket.PaymentProcessed' AND body::jsonb #>> '{data,state}' = 'paid'",
    ),
    (
        "payments are told once",
        "INSERT INTO outbox (id, topic, event, type, body) SELECT gen_random_uuid(), topic, event, type, body FROM outbox
          WHERE type = 'goticket.PaymentProcessed' AND body::jsonb #>> '{data,state}' = 'declined'",
    ),
    ("payments are told once", "UPDATE payments SET state = 'open'"),
    ("payments are told once", "UPDATE payments SET state = 'refunded'"),
    ("money for seats", "UPDATE payments SET state = 'declined' WHERE state = 'paid'"),
    ("money for seats", "UPDATE payments SET amount_minor = amount_minor - 1"),
    ("money for seats", "UPDATE bookings SET state = 'cancelled' WHERE state = 'confirmed'"),
    ("refunds arrive", "UPDATE payments SET state = 'refund_due'"),
    ("refunds arrive", "UPDATE payments SET state = 'review'"),
    ("tickets", "DELETE FROM tickets WHERE seat = (SELECT max(seat) FROM tickets)"),
    (
        "tickets",
        "INSERT INTO tickets SELECT gen_random_uuid(), id, event, 0, 'forged', now() FROM bookings WHERE state = 'expired'",
    ),
    ("mails", "UPDATE notifications SET state = 'rendered'"),
    ("mails", "DELETE FROM notifications"),
    (
        "mails",
        "ALTER TABLE notifications DROP CONSTRAINT notifications_booking_kind_key;
         INSERT INTO notifications (id, booking, kind, state, sent_at)
         SELECT gen_random_uuid(), booking, kind, state, sent_at FROM notifications",
    ),
    (
        "mails",
        "INSERT INTO notifications (id, booking, kind, state, sent_at)
         SELECT gen_random_uuid(), id, 'ticket', 'sent', now() FROM bookings WHERE state = 'held'",
    ),
    (
        "committed is published",
        "INSERT INTO outbox (id, topic, event, type, body)
         SELECT gen_random_uuid(), 'goticket.bookings.v1', id, 'goticket.BookingExpired', '{}' FROM events",
    ),
    // The first and the last change places.
    (
        "order",
        "UPDATE outbox o SET xid = other.xid
           FROM outbox other, (SELECT min(sequence) AS first, max(sequence) AS last FROM outbox) ends
          WHERE (o.sequence, other.sequence) IN ((ends.first, ends.last), (ends.last, ends.first))",
    ),
];

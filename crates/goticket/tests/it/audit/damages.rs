//! What may go wrong in the tables, and the checks that must find it.

/// Check, the others that find it, too, and damage; every check that reads tables comes first at least once.
pub(super) const DAMAGES: &[(&str, &[&str], &str)] = &[
    ("capacity", &[], "UPDATE events SET capacity = capacity + 1"),
    (
        "capacity",
        &["references"],
        "DELETE FROM seats s WHERE NOT EXISTS (SELECT FROM taken_seats t WHERE t.event = s.event AND t.seat = s.no)",
    ),
    // Neither free nor anybody's.
    (
        "capacity",
        &["seats follow the booking"],
        "INSERT INTO taken_seats SELECT event, seat, id FROM bookings, unnest(seats) AS seat WHERE state = 'expired'",
    ),
    (
        "oversold",
        &["seats follow the booking"],
        "UPDATE bookings h SET seats = b.seats, prices = b.prices FROM bookings b WHERE h.state = 'held' AND b.state = 'confirmed'",
    ),
    (
        "oversold",
        &["tickets"],
        "UPDATE tickets SET seat = (SELECT min(seat) FROM tickets) WHERE seat = (SELECT max(seat) FROM tickets)",
    ),
    ("seats follow the booking", &[], "DELETE FROM taken_seats"),
    ("seats follow the booking", &[], "DELETE FROM taken_seats WHERE seat = (SELECT max(seat) FROM taken_seats)"),
    ("seats follow the booking", &["capacity"], "UPDATE taken_seats SET seat = seat + 100000"),
    (
        "seats follow the booking",
        &["capacity"],
        "UPDATE taken_seats SET booking = gen_random_uuid() WHERE seat = (SELECT min(seat) FROM taken_seats)",
    ),
    (
        "seats follow the booking",
        &["capacity"],
        "INSERT INTO taken_seats SELECT event, seat, id FROM bookings, unnest(seats) AS seat WHERE state = 'cancelled'",
    ),
    ("seats follow the booking", &[], "UPDATE bookings SET prices[1] = prices[1] + 1 WHERE state = 'held'"),
    ("seats follow the booking", &[], "UPDATE bookings SET prices = prices || 0::bigint WHERE state = 'confirmed'"),
    (
        "one request, one outcome",
        &[],
        "ALTER TABLE bookings DROP CONSTRAINT bookings_one_outcome;
         UPDATE bookings SET key = 'the same', account = (SELECT account FROM bookings WHERE state = 'held')",
    ),
    ("one request, one outcome", &[], "UPDATE bookings SET refusal = '{}' WHERE state = 'refused'"),
    ("one request, one outcome", &[], "UPDATE bookings SET held_until = NULL WHERE state = 'held'"),
    ("references", &[], "UPDATE bookings SET account = gen_random_uuid() WHERE state = 'confirmed'"),
    ("references", &[], "UPDATE bookings SET account = gen_random_uuid() WHERE state = 'refused'"),
    (
        "references",
        &[],
        "ALTER TABLE event_categories DROP CONSTRAINT event_categories_event_fkey;
         ALTER TABLE event_sections DROP CONSTRAINT event_sections_event_fkey;
         ALTER TABLE rooms DROP CONSTRAINT rooms_event_fkey;
         ALTER TABLE seats DROP CONSTRAINT seats_event_fkey;
         DELETE FROM events",
    ),
    ("references", &["seats follow the booking"], "UPDATE bookings SET seats[1] = 100000 WHERE state = 'held'"),
    ("references", &["tickets"], "UPDATE tickets SET booking = gen_random_uuid() WHERE seat = (SELECT min(seat) FROM tickets)"),
    ("references", &["money for seats"], "UPDATE payments SET booking = gen_random_uuid() WHERE state = 'paid'"),
    (
        "references",
        &["money for seats"],
        "UPDATE payments SET booking = (SELECT id FROM bookings WHERE state = 'refused') WHERE state = 'paid'",
    ),
    ("references", &["mails"], "UPDATE notifications SET booking = gen_random_uuid()"),
    ("ticket limit", &[], "UPDATE events SET ticket_limit = 1"),
    ("holds end", &[], "UPDATE bookings SET hold_expires_at = now() - interval '2 minutes' WHERE state = 'held'"),
    ("queue logs", &[], "UPDATE queue_log SET at_ms = at_ms + 1 WHERE first = (SELECT max(first) FROM queue_log)"),
    (
        "queue logs",
        &[],
        "UPDATE queue_log SET entries = set_byte(entries, length(entries) - 1, get_byte(entries, length(entries) - 1) # 1)
          WHERE first = (SELECT max(first) FROM queue_log)",
    ),
    ("queue logs", &[], "DELETE FROM queue_log WHERE first = (SELECT max(first) FROM queue_log)"),
    ("queue logs", &[], "UPDATE queue_heads SET hash = sha256(hash)"),
    // One more than there may be.
    (
        "groups",
        &[],
        "UPDATE rooms SET group_max = 2;
         INSERT INTO queue_group_members (event, account, place, group_place)
         SELECT event, gen_random_uuid(), decode(lpad(n::text, 32, '0'), 'hex'), decode(repeat('0', 31) || '1', 'hex')
           FROM rooms, generate_series(1, 3) AS n",
    ),
    // Without its leader.
    (
        "groups",
        &[],
        "UPDATE rooms SET group_max = 2;
         INSERT INTO queue_group_members (event, account, place, group_place)
         SELECT event, gen_random_uuid(), decode(repeat('02', 16), 'hex'), decode(repeat('01', 16), 'hex') FROM rooms",
    ),
    // One account in two.
    (
        "groups",
        &[],
        "UPDATE rooms SET group_max = 2;
         ALTER TABLE queue_group_members DROP CONSTRAINT queue_group_members_pkey;
         INSERT INTO queue_group_members (event, account, place, group_place)
         SELECT event, event, decode(repeat(n, 16), 'hex'), decode(repeat(n, 16), 'hex') FROM rooms, unnest(ARRAY['01', '02']) AS n",
    ),
    ("admissions", &[], "UPDATE rooms SET active_cap = 1"),
    ("admissions", &[], "UPDATE rooms SET rate_per_min = 1, burst = 1"),
    // Operators had set so little before the sale began.
    (
        "admissions",
        &[],
        "INSERT INTO room_log SELECT event, 1000, now() + interval '1 hour', NULL, '{\"active_cap\":[1,10000]}', '', sha256('') FROM rooms",
    ),
    ("outcomes are told once", &["positions"], "DELETE FROM outbox WHERE body::jsonb ->> 'type' = 'goticket.BookingCreated'"),
    ("outcomes are told once", &["positions"], "DELETE FROM outbox WHERE body::jsonb ->> 'type' = 'goticket.BookingRefused'"),
    ("outcomes are told once", &["positions"], "DELETE FROM outbox WHERE body::jsonb ->> 'type' = 'goticket.BookingConfirmed'"),
    ("outcomes are told once", &["positions"], "DELETE FROM outbox WHERE body::jsonb ->> 'type' = 'goticket.BookingCancelled'"),
    (
        "outcomes are told once",
        &["positions"],
        "DELETE FROM outbox o USING bookings b
          WHERE o.body::jsonb ->> 'type' = 'goticket.BookingExpired' AND b.id::text = o.body::jsonb #>> '{data,booking}'
            AND b.state = 'expired'",
    ),
    // It was confirmed later: that it had expired was to be told all the same.
    (
        "outcomes are told once",
        &["positions"],
        "DELETE FROM outbox o USING bookings b
          WHERE o.body::jsonb ->> 'type' = 'goticket.BookingExpired' AND b.id::text = o.body::jsonb #>> '{data,booking}'
            AND b.state = 'confirmed'",
    ),
    (
        "outcomes are told once",
        &["committed is published", "history", "payments are told once", "positions"],
        "INSERT INTO outbox SELECT lane, position, gen_random_uuid(), event, body, written_at FROM outbox",
    ),
    // Told of a booking to which it did not happen.
    (
        "outcomes are told once",
        &[],
        "UPDATE outbox SET body = replace(body, 'goticket.BookingRefused', 'goticket.BookingExpired')",
    ),
    (
        "outcomes are told once",
        &["seats follow the booking"],
        "UPDATE bookings SET state = 'held', hold_expires_at = now() + interval '1 hour' WHERE state = 'expired'",
    ),
    ("payments are told once", &["positions"], "DELETE FROM outbox WHERE body::jsonb ->> 'type' = 'goticket.PaymentProcessed'"),
    (
        "payments are told once",
        &["positions"],
        "DELETE FROM outbox WHERE body::jsonb ->> 'type' = 'goticket.PaymentProcessed' AND body::jsonb #>> '{data,state}' = 'paid'",
    ),
    (
        "payments are told once",
        &["committed is published", "positions"],
        "INSERT INTO outbox SELECT lane, position, gen_random_uuid(), event, body, written_at FROM outbox
          WHERE body::jsonb ->> 'type' = 'goticket.PaymentProcessed' AND body::jsonb #>> '{data,state}' = 'declined'",
    ),
    // Told as something that it never was.
    (
        "payments are told once",
        &[],
        "UPDATE outbox SET body = jsonb_set(body::jsonb, '{data,state}', '\"review\"')::text
          WHERE body::jsonb #>> '{data,state}' = 'declined'",
    ),
    ("payments are told once", &["money for seats"], "UPDATE payments SET state = 'open'"),
    ("payments are told once", &["money for seats"], "UPDATE payments SET state = 'refunded'"),
    ("money for seats", &["payments are told once"], "UPDATE payments SET state = 'declined' WHERE state = 'paid'"),
    ("money for seats", &[], "UPDATE payments SET amount_minor = amount_minor - 1"),
    (
        "money for seats",
        &["capacity", "mails", "outcomes are told once", "seats follow the booking", "tickets"],
        "UPDATE bookings SET state = 'cancelled' WHERE state = 'confirmed'",
    ),
    // Of a time of which the outbox knows nothing any more.
    (
        "refunds arrive",
        &[],
        "INSERT INTO payments (id, booking, provider, amount_minor, currency, state, created_at)
         SELECT gen_random_uuid(), id, 'sandbox', 1, 'EUR', 'refund_due', now() - interval '30 days' FROM bookings
          WHERE state = 'cancelled'",
    ),
    ("refunds arrive", &["money for seats", "payments are told once"], "UPDATE payments SET state = 'refund_due'"),
    ("refunds arrive", &["money for seats", "payments are told once"], "UPDATE payments SET state = 'review'"),
    ("tickets", &[], "DELETE FROM tickets WHERE seat = (SELECT max(seat) FROM tickets)"),
    (
        "tickets",
        &[],
        "INSERT INTO tickets SELECT gen_random_uuid(), id, event, 0, 'forged', now() FROM bookings WHERE state = 'expired'",
    ),
    ("mails", &[], "UPDATE notifications SET state = 'rendered'"),
    ("mails", &[], "DELETE FROM notifications"),
    (
        "mails",
        &[],
        "ALTER TABLE notifications DROP CONSTRAINT notifications_booking_kind_key;
         INSERT INTO notifications (id, booking, kind, state, sent_at)
         SELECT gen_random_uuid(), booking, kind, state, sent_at FROM notifications",
    ),
    (
        "mails",
        &[],
        "INSERT INTO notifications (id, booking, kind, state, sent_at)
         SELECT gen_random_uuid(), id, 'ticket', 'sent', now() FROM bookings WHERE state = 'held'",
    ),
    (
        "committed is published",
        &[],
        "UPDATE outbox SET id = gen_random_uuid() WHERE position = (SELECT max(position) FROM outbox)",
    ),
    (
        "committed is published",
        &["positions"],
        "INSERT INTO outbox SELECT 0, 1000000, gen_random_uuid(), id, '{}', now() FROM events",
    ),
    // Two bookings of different seats change places.
    (
        "order",
        &[],
        "UPDATE outbox o SET position = other.position
           FROM outbox other, (SELECT min(position) AS first, max(position) AS last FROM outbox
                                WHERE body::jsonb ->> 'type' = 'goticket.BookingCreated') ends
          WHERE (o.position, other.position) IN ((ends.first, ends.last), (ends.last, ends.first))",
    ),
    // The first and the last change places.
    (
        "order",
        &["history"],
        "UPDATE outbox o SET position = other.position
           FROM outbox other, (SELECT min(position) AS first, max(position) AS last FROM outbox) ends
          WHERE (o.position, other.position) IN ((ends.first, ends.last), (ends.last, ends.first))",
    ),
    ("positions", &["outcomes are told once"], "DELETE FROM outbox WHERE position = (SELECT min(position) + 1 FROM outbox)"),
    ("positions", &["outcomes are told once"], "DELETE FROM outbox WHERE position = (SELECT max(position) FROM outbox)"),
    ("positions", &[], "UPDATE lanes SET position = position + 1 WHERE position > 0"),
    // Every booking is told to have the same seat.
    (
        "history",
        &[],
        "UPDATE outbox SET body = jsonb_set(body::jsonb, '{data,seats}', '[0]')::text
          WHERE body::jsonb #> '{data,seats}' IS NOT NULL",
    ),
    // Confirmed before it was held.
    (
        "history",
        &["outcomes are told once"],
        "UPDATE outbox SET body = replace(replace(body, 'goticket.BookingConfirmed', 'goticket.BookingCreated'),
                                          'goticket.BookingCancelled', 'goticket.BookingConfirmed')",
    ),
];

-- One booking, one transaction, as a naive ticket shop does it. Each client counts its own bookings in `n`; the permutation gives every
-- booking of the run an account of its own and two seats that nobody has, spread over all of them.
\set n :n + 1
\set account permute(:client_id * 10000000 + :n, 1000000000)
\set seat 2 * :account
\set neighbour :seat + 1
BEGIN;
INSERT INTO counters (event, account, tickets) VALUES (1, :account, 2)
    ON CONFLICT (event, account) DO UPDATE SET tickets = counters.tickets + 2 WHERE counters.tickets <= 8;
INSERT INTO bookings (event, account, state, total_minor, currency, held_at, hold_expires_at)
    VALUES (1, :account, 'held', 10000, 'EUR', now(), now() + interval '10 minutes') RETURNING id AS booking \gset
INSERT INTO booking_seats (event, seat, booking, price_minor)
    VALUES (1, :seat, :booking, 5000), (1, :neighbour, :booking, 5000);
INSERT INTO requests (account, key, booking, outcome)
    VALUES (:account, 'k', :booking, format('{"outcome":"held","booking":%s,"seats":[%s,%s],"total":{"amount_minor":10000,"currency":"EUR"},"expires_at":"%s"}',
        :booking::bigint, :seat::bigint, :neighbour::bigint, now() + interval '10 minutes')::jsonb);
INSERT INTO outbox (event, body)
    VALUES (1, format('{"specversion":"1.0","source":"/goticket/bookings","datacontenttype":"application/json","type":"goticket.BookingCreated","time":"%s","subject":1,"data":{"booking":%s,"account":%s,"section":0,"seats":[%s,%s],"total":{"amount_minor":10000,"currency":"EUR"}}}',
        now(), :booking::bigint, :account::bigint, :seat::bigint, :neighbour::bigint));
COMMIT;

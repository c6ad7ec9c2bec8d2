-- A request and its booking are one row, the seats of a live booking rows of their own, counters none: what one booking writes is what
-- the invariants need.
-- Rewrites the tables of bookings and locks them meanwhile: the booking role stands still, everything else goes on.

ALTER TABLE bookings RENAME TO bookings_before;

CREATE TABLE bookings (
    id              uuid        NOT NULL,
    event           uuid        NOT NULL,
    section         smallint    NOT NULL,
    account         uuid        NOT NULL,
    -- What was asked, and under which key: the same key again gets this row's outcome.
    key             text        NOT NULL,
    payload_hash    bytea       NOT NULL CHECK (length(payload_hash) = 32),
    decided_at      timestamptz NOT NULL,
    -- The outcome as it was decided; never changed. Seats ascending; of a refused request those in the way.
    seats           integer[]   NOT NULL,
    prices          bigint[]    NOT NULL,
    total_minor     bigint      NOT NULL,
    currency        char(3),
    held_until      timestamptz,
    refusal         jsonb,
    -- Where it stands now.
    state           text        NOT NULL CHECK (state IN ('refused', 'held', 'confirmed', 'expired', 'cancelled', 'refunded')),
    hold_expires_at timestamptz,
    changed_at      timestamptz NOT NULL,
    CHECK ((state = 'refused') = (refusal IS NOT NULL)),
    CHECK ((state = 'refused') = (hold_expires_at IS NULL))
);

INSERT INTO bookings
SELECT r.booking, r.event, coalesce(b.section, 0), r.account, r.key, r.payload_hash, r.decided_at,
       coalesce(s.seats, ARRAY(SELECT jsonb_array_elements_text(r.outcome -> 'seats')::integer)), coalesce(s.prices, '{}'),
       coalesce(b.total_minor, 0), b.currency, b.hold_expires_at,
       CASE WHEN b.id IS NULL THEN jsonb_build_object('reason', r.outcome ->> 'reason') END,
       coalesce(b.state, 'refused'), b.hold_expires_at, coalesce(b.decided_at, r.decided_at)
  FROM booking_requests r
  LEFT JOIN bookings_before b ON b.id = r.booking
  LEFT JOIN LATERAL (SELECT array_agg(seat ORDER BY seat) AS seats, array_agg(price_minor ORDER BY seat) AS prices
                       FROM booking_seats WHERE booking = b.id) s ON true;

-- Which booking has a seat. A row lives as long as the booking is held or confirmed.
CREATE TABLE taken_seats (
    event   uuid    NOT NULL,
    seat    integer NOT NULL,
    booking uuid    NOT NULL,
    -- The invariant the whole system rests on: one seat has at most one live booking.
    PRIMARY KEY (event, seat)
);
INSERT INTO taken_seats SELECT event, seat, booking FROM booking_seats WHERE live;

DROP TABLE booking_seats, booking_requests, account_tickets, bookings_before;

ALTER TABLE bookings ADD PRIMARY KEY (id);
-- One key, one outcome; also lists an account's bookings.
ALTER TABLE bookings ADD CONSTRAINT bookings_one_outcome UNIQUE (account, key);
-- Serves the expiry role's scan: only holds are in it.
CREATE INDEX bookings_by_deadline ON bookings (hold_expires_at, id) WHERE state = 'held';
-- Serves the purge of old refusals; a few bytes per thousand rows.
CREATE INDEX bookings_by_age ON bookings USING brin (decided_at);

-- Bookings, who owns which seat, what was decided under which idempotency key, and how many tickets an account has.
-- Written by the booking worker only: everything one batch decides is one transaction over these tables and the outbox.

CREATE TABLE bookings (
    id              uuid PRIMARY KEY,
    event           uuid        NOT NULL REFERENCES events (id),
    section         smallint    NOT NULL,
    account         uuid        NOT NULL REFERENCES accounts (id),
    state           text        NOT NULL CHECK (state IN ('held', 'confirmed', 'expired', 'cancelled', 'refunded')),
    quantity        smallint    NOT NULL CHECK (quantity > 0),
    total_minor     bigint      NOT NULL CHECK (total_minor >= 0),
    currency        char(3)     NOT NULL,
    held_at         timestamptz NOT NULL,
    hold_expires_at timestamptz NOT NULL,
    decided_at      timestamptz
);
-- Serves the expiry worker's scan: only holds are in it.
CREATE INDEX bookings_by_deadline ON bookings (hold_expires_at, id) WHERE state = 'held';
CREATE INDEX bookings_by_account ON bookings (account, id);
CREATE INDEX bookings_by_event ON bookings (event, id);

-- The seats of each booking. `live` while the booking is held or confirmed.
CREATE TABLE booking_seats (
    booking     uuid     NOT NULL REFERENCES bookings (id),
    event       uuid     NOT NULL,
    seat        integer  NOT NULL,
    section     smallint NOT NULL,
    price_minor bigint   NOT NULL,
    live        boolean  NOT NULL,
    PRIMARY KEY (booking, seat),
    FOREIGN KEY (event, seat) REFERENCES seats (event, no)
);
-- The invariant the whole system rests on: one seat has at most one live booking.
CREATE UNIQUE INDEX booking_seats_one_live ON booking_seats (event, seat) WHERE live;
-- Serves the worker: what of this section is taken.
CREATE INDEX booking_seats_by_section ON booking_seats (event, section, seat) WHERE live;

-- One request, one outcome. Also holds the outcome of refused requests, which have no booking.
CREATE TABLE booking_requests (
    account      uuid        NOT NULL REFERENCES accounts (id),
    key          text        NOT NULL,
    booking      uuid        NOT NULL UNIQUE,
    event        uuid        NOT NULL,
    payload_hash bytea       NOT NULL CHECK (length(payload_hash) = 32),
    outcome      jsonb       NOT NULL,
    decided_at   timestamptz NOT NULL,
    PRIMARY KEY (account, key)
);
CREATE INDEX booking_requests_by_event ON booking_requests (event);

-- The ticket limit holds across orders and sections: one guarded counter row, not a count.
CREATE TABLE account_tickets (
    event   uuid    NOT NULL,
    account uuid    NOT NULL,
    tickets integer NOT NULL CHECK (tickets >= 0),
    PRIMARY KEY (event, account)
);

-- The right to one seat of a confirmed booking. `code` is what the QR code carries; the id alone admits nobody.
CREATE TABLE tickets (
    id        uuid PRIMARY KEY,
    booking   uuid        NOT NULL REFERENCES bookings (id),
    event     uuid        NOT NULL,
    seat      integer     NOT NULL,
    code      text        NOT NULL UNIQUE,
    issued_at timestamptz NOT NULL,
    UNIQUE (booking, seat)
);

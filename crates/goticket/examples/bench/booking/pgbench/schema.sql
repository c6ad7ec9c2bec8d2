-- What a sensible, naive ticket shop has: a key for each thing that must be unique, and no more.

-- How many tickets an account has of an event: the ticket limit.
CREATE TABLE counters (
    event   bigint  NOT NULL,
    account bigint  NOT NULL,
    tickets integer NOT NULL,
    PRIMARY KEY (event, account)
);

CREATE TABLE bookings (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event           bigint      NOT NULL,
    account         bigint      NOT NULL,
    state           text        NOT NULL,
    total_minor     bigint      NOT NULL,
    currency        char(3)     NOT NULL,
    held_at         timestamptz NOT NULL,
    hold_expires_at timestamptz NOT NULL
);

-- One seat, one booking.
CREATE TABLE booking_seats (
    event       bigint NOT NULL,
    seat        bigint NOT NULL,
    booking     bigint NOT NULL,
    price_minor bigint NOT NULL,
    PRIMARY KEY (event, seat)
);

-- One key, one outcome.
CREATE TABLE requests (
    account bigint NOT NULL,
    key     text   NOT NULL,
    booking bigint NOT NULL,
    outcome jsonb  NOT NULL,
    PRIMARY KEY (account, key)
);

CREATE TABLE outbox (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event bigint NOT NULL,
    body  text   NOT NULL
);

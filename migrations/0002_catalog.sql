-- Venues with their seating plans, and the events sold there.

CREATE TABLE venues (
    id         uuid PRIMARY KEY,
    owner      uuid        NOT NULL REFERENCES accounts (id),
    name       text        NOT NULL,
    -- IANA name: tickets print local time.
    time_zone  text        NOT NULL,
    -- The seating plan as it was imported.
    plan       jsonb       NOT NULL,
    seat_count integer     NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX venues_by_owner ON venues (owner, id);

CREATE TABLE events (
    id             uuid PRIMARY KEY,
    venue          uuid        NOT NULL REFERENCES venues (id),
    owner          uuid        NOT NULL REFERENCES accounts (id),
    title          text        NOT NULL,
    currency       char(3)     NOT NULL,
    status         text        NOT NULL CHECK (status IN ('draft', 'published', 'closed')),
    starts_at      timestamptz NOT NULL,
    lobby_opens_at timestamptz NOT NULL,
    onsale_at      timestamptz NOT NULL,
    hold_seconds   integer     NOT NULL,
    ticket_limit   integer     NOT NULL,
    capacity       integer     NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CHECK (lobby_opens_at <= onsale_at AND onsale_at <= starts_at)
);
CREATE INDEX events_by_owner ON events (owner, id);
CREATE INDEX events_published ON events (starts_at, id) WHERE status = 'published';

-- Price levels of one event, numbered in the order of the plan.
CREATE TABLE event_categories (
    event       uuid     NOT NULL REFERENCES events (id),
    no          smallint NOT NULL,
    name        text     NOT NULL,
    color       text     NOT NULL,
    price_minor bigint   NOT NULL CHECK (price_minor >= 0),
    PRIMARY KEY (event, no)
);

CREATE TABLE event_sections (
    event      uuid     NOT NULL REFERENCES events (id),
    no         smallint NOT NULL,
    name       text     NOT NULL,
    kind       text     NOT NULL CHECK (kind IN ('seated', 'standing')),
    first_seat integer  NOT NULL,
    seat_count integer  NOT NULL,
    PRIMARY KEY (event, no)
);

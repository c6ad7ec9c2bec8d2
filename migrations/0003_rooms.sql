-- Waiting rooms: what must survive the loss of Redis. A row is made when its event is published; from then on only the
-- admission service writes it.

CREATE TABLE rooms (
    event              uuid PRIMARY KEY REFERENCES events (id),
    state              text        NOT NULL CHECK (state IN ('scheduled', 'lobby', 'open', 'paused', 'draining', 'closed')),
    rate_per_min       integer     NOT NULL,
    burst              integer     NOT NULL,
    active_cap         integer     NOT NULL,
    claim_window_s     integer     NOT NULL,
    session_s          integer     NOT NULL,
    message            text        NOT NULL,
    -- The draw. The secret is random and never leaves the service before the lobby is closed.
    draw_secret        bytea       NOT NULL CHECK (length(draw_secret) = 32),
    draw_beacon        bytea       NOT NULL DEFAULT '',
    draw_root          bytea       CHECK (length(draw_root) = 32),
    draw_seed          bytea       CHECK (length(draw_seed) = 32),
    drawn_at           timestamptz,
    -- Raised whenever Redis has to be filled anew; see the place ticket's epoch.
    epoch              bigint      NOT NULL DEFAULT 0,
    -- Durable floors, written after every tick that admits: what Redis may forget, but the room must not.
    frontier           bigint      NOT NULL DEFAULT -1,
    admitted           bigint      NOT NULL DEFAULT 0,
    next_sequence      bigint      NOT NULL DEFAULT 0,
    active             integer     NOT NULL DEFAULT 0,
    active_until       timestamptz NOT NULL DEFAULT '-infinity',
    updated_at         timestamptz NOT NULL DEFAULT now()
);
-- Serves the tick: few rooms are alive at a time.
CREATE INDEX rooms_alive ON rooms (event) WHERE state <> 'closed';

-- Who changed what, when and why: each entry's hash covers the one before.
CREATE TABLE room_log (
    event  uuid        NOT NULL REFERENCES rooms (event),
    number bigint      NOT NULL,
    at     timestamptz NOT NULL,
    actor  uuid,
    change text        NOT NULL,
    reason text        NOT NULL,
    hash   bytea       NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (event, number)
);

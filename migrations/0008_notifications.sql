-- What is sent to people. The key makes one mail of however many domain events tell of it.

CREATE TABLE notifications (
    id         uuid PRIMARY KEY,
    booking    uuid        NOT NULL REFERENCES bookings (id),
    kind       text        NOT NULL CHECK (kind IN ('ticket')),
    state      text        NOT NULL CHECK (state IN ('pending', 'rendered', 'sent', 'failed')),
    attempts   integer     NOT NULL DEFAULT 0,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at    timestamptz,
    UNIQUE (booking, kind)
);

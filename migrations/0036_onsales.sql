-- Further onsales of an event: for seats that go to those who need them, and a second draw for seats that came back. Each is listed as an
-- event, with a schedule and a waiting room of its own; its seats are those of the event it is part of. Nullable columns and new tables:
-- `events` and `rooms` are locked for a moment, no row is written.
ALTER TABLE events
    ADD COLUMN onsale_of   uuid REFERENCES events (id),
    ADD COLUMN onsale_kind text CHECK (onsale_kind IN ('accessible', 'second_draw')),
    ADD CONSTRAINT events_onsale CHECK (num_nulls(onsale_of, onsale_kind) IN (0, 2)) NOT VALID;
-- Serves the event that shows its onsales.
CREATE INDEX events_onsales ON events (onsale_of) WHERE onsale_of IS NOT NULL;

-- The categories to which a room lets in; null: all of the event's.
ALTER TABLE rooms ADD COLUMN sells smallint[];

-- In which line an account stands where an event has several: one for each.
CREATE TABLE queue_chosen_onsales (
    -- The event with the seats.
    event   uuid NOT NULL,
    account uuid NOT NULL,
    onsale  uuid NOT NULL,
    PRIMARY KEY (event, account)
);

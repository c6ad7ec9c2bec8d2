-- Groups: several accounts that stand in one place of a waiting room. A column with a constant default and a new table: `rooms` is locked for a
-- moment, no row is written.

-- The largest group that may stand in one place, 0 where a room has none. It is set before the lobby opens.
ALTER TABLE rooms ADD COLUMN group_max integer NOT NULL DEFAULT 0;

-- Who stands in which group; the one who leads it has a row, too. Read and written by whoever holds the lock of the room's queue_heads.
CREATE TABLE queue_group_members (
    event       uuid        NOT NULL,
    account     uuid        NOT NULL,
    -- Their own place: the group's for the one who leads it, and one that does not stand in line for everyone else.
    place       bytea       NOT NULL CHECK (length(place) = 16),
    group_place bytea       NOT NULL CHECK (length(group_place) = 16),
    joined_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (event, account)
);
-- Serves the reading of whole groups.
CREATE INDEX queue_group_members_of ON queue_group_members (event, group_place);

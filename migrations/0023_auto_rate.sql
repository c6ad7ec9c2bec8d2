-- A rate that moves with the booking pipeline, between two limits. Nullable columns and a new table: no lock that a live sale would feel.
ALTER TABLE rooms
    ADD COLUMN auto_low_per_min  integer,
    ADD COLUMN auto_high_per_min integer,
    ADD CONSTRAINT rooms_auto_limits CHECK (num_nulls(auto_low_per_min, auto_high_per_min) IN (0, 2)) NOT VALID;

-- Where the automatic rate of a room stands: written by the room's owner where it moves, once a second at most. A row of its own, so that
-- it waits for no operator, and is no change of the room.
CREATE TABLE room_rates (
    event          uuid    PRIMARY KEY,
    per_min        integer NOT NULL,
    -- It does not move before (Unix ms).
    stays_until_ms bigint  NOT NULL
) WITH (fillfactor = 50);

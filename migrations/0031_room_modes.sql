-- How a room lets fans in, and what is done where it is away. Columns with constant defaults, or nullable: no lock that a live sale would feel.
ALTER TABLE rooms
    -- 'queue', or 'shadow': measures and admits everyone.
    ADD COLUMN mode       text NOT NULL DEFAULT 'queue' CHECK (mode IN ('queue', 'shadow')),
    -- While fewer join in a minute and no one waits, who joins has their turn at once.
    ADD COLUMN open_below integer,
    -- Whether gateways that have lost the waiting room sell without it.
    ADD COLUMN when_down  text NOT NULL DEFAULT 'fail_closed' CHECK (when_down IN ('fail_closed', 'fail_open'));

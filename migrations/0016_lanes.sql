-- Lanes: who decides the commands of which events. A lane is a stable hash of the event; `goticket migrate` makes their rows once, and
-- their number never changes afterwards.
-- New tables only: no lock a live sale would feel.

CREATE TABLE lanes (
    lane        smallint PRIMARY KEY,
    -- Rises with every change of the owner: what an earlier owner still sends finds another epoch and changes nothing.
    epoch       bigint      NOT NULL DEFAULT 0,
    -- How many transactions have decided for this lane. Every one begins with the guarded update of this row.
    sequence    bigint      NOT NULL DEFAULT 0,
    -- Position of the lane's last row in the outbox.
    position    bigint      NOT NULL DEFAULT 0,
    -- The member that decides for it, for as long as it is heard of (lane_members); none where it was released.
    owner       uuid
) WITH (fillfactor = 10);

-- Processes that share lanes, by what they share them for ('booking', 'relay'). One row of a process renews its lease of all its lanes:
-- a row of `lanes` is locked by bookings nearly all the time, and must not be waited for.
CREATE TABLE lane_members (
    role    text        NOT NULL,
    member  uuid        NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (role, member)
);

-- Ends a transaction in which fewer or more rows were changed than were decided about.
CREATE FUNCTION require(actual bigint, expected bigint, what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF actual <> expected THEN
        RAISE EXCEPTION '% of % rows: %', actual, expected, what USING ERRCODE = 'GT001', CONSTRAINT = what;
    END IF;
    RETURN true;
END $$;

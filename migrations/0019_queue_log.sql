-- The line of a waiting room is a log: who joined, left and claimed, and whose turn came, in order. Redis holds what follows from it
-- and can be filled from it at any time.
-- A room that has begun before this migration begins with an empty log: upgrade between sales. The columns that go lock `rooms` for a
-- moment.

-- Where each room's log ends, and what its next admission is decided with. Every append moves this row on first.
CREATE TABLE queue_heads (
    event        uuid PRIMARY KEY,
    -- Entries so far.
    size         bigint NOT NULL DEFAULT 0,
    -- SHA-256 over everything before.
    hash         bytea  NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (length(hash) = 32),
    -- When the last entry was written, Unix ms: never goes back.
    at_ms        bigint NOT NULL DEFAULT 0,
    -- Rises with every admission and every change of what it is decided by. Who admits says what it was: of two, one is late and writes
    -- nothing.
    decisions    bigint NOT NULL DEFAULT 0,
    -- The bucket after the last admission.
    micro_tokens bigint NOT NULL DEFAULT 0,
    refilled_ms  bigint NOT NULL DEFAULT 0,
    -- The highest score whose turn has come (-1: none), and how many turns were given: more than came where somebody left meanwhile.
    frontier     bigint NOT NULL DEFAULT -1,
    admitted     bigint NOT NULL DEFAULT 0,
    -- How long the log was when the lobby was closed.
    closed_at    bigint
) WITH (fillfactor = 10);

INSERT INTO queue_heads (event) SELECT event FROM rooms;

-- Entries that were written together: one row per group commit. The form of `entries` is in the storage crate's queue_log.
CREATE TABLE queue_log (
    event   uuid   NOT NULL,
    -- Entries before these.
    first   bigint NOT NULL,
    at_ms   bigint NOT NULL,
    before  bytea  NOT NULL CHECK (length(before) = 32),
    hash    bytea  NOT NULL CHECK (length(hash) = 32),
    entries bytea  NOT NULL,
    PRIMARY KEY (event, first)
);

-- Appends, in one round trip and one commit. `decided`: the decisions that the caller has seen, none where it admits no one;
-- nothing is written where it is another one by now, and `first` is null.
CREATE FUNCTION queue_append(
    of_event uuid, number integer, body bytea, now_ms bigint,
    decided bigint, tokens bigint, refilled bigint, turns bigint, through bigint,
    OUT first bigint, OUT at_ms bigint, OUT before bytea, OUT hash bytea
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT h.size, greatest(h.at_ms, now_ms), h.hash INTO first, at_ms, before
    FROM queue_heads h WHERE h.event = of_event AND (decided IS NULL OR h.decisions = decided) FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    hash := sha256(before || int8send(first) || int8send(at_ms) || body);
    INSERT INTO queue_log VALUES (of_event, first, at_ms, before, hash, body);
    UPDATE queue_heads h
    SET size = h.size + number, hash = queue_append.hash, at_ms = queue_append.at_ms,
        decisions = CASE WHEN decided IS NULL THEN h.decisions ELSE h.decisions + 1 END,
        micro_tokens = coalesce(tokens, h.micro_tokens), refilled_ms = coalesce(refilled, h.refilled_ms),
        admitted = h.admitted + coalesce(turns, 0), frontier = greatest(h.frontier, through)
    WHERE h.event = of_event;
END $$;

ALTER TABLE rooms
    DROP COLUMN epoch, DROP COLUMN frontier, DROP COLUMN admitted, DROP COLUMN next_sequence,
    DROP COLUMN active, DROP COLUMN active_until;

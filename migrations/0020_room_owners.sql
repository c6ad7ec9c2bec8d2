-- Each waiting room has one owner at a time, among the processes that serve them: it admits, keeps the schedule and makes the board.
-- Processes share rooms like lanes: who lives stands in `lane_members`, under the role 'rooms'.
-- A new table, and one function that is called with one more argument: admissions of processes of an earlier version fail until they are
-- replaced, joins too. Upgrade between sales.

-- Rooms that need an owner: every one that is not cleared up yet. A row of its own, so that taking a room waits for no join.
CREATE TABLE room_owners (
    event uuid   PRIMARY KEY,
    -- Rises with every change of the owner: what an earlier owner still sends finds another epoch and changes nothing.
    epoch bigint NOT NULL DEFAULT 0,
    -- The member that took it last, for as long as it is heard of; none where it was released.
    owner uuid
) WITH (fillfactor = 50);

INSERT INTO room_owners (event) SELECT event FROM rooms;

DROP FUNCTION queue_append(uuid, integer, bytea, bigint, bigint, bigint, bigint, bigint, bigint);

-- Appends, in one round trip and one commit. `owner_epoch`: the caller's as the room's owner, none for what any process may write;
-- `decided`: the decisions that it has seen, none where it admits no one. Nothing is written where either is another one by now, and
-- `first` is null. The owner's row is locked until the commit, so that its successor comes after what is written here.
CREATE FUNCTION queue_append(
    of_event uuid, number integer, body bytea, now_ms bigint, owner_epoch bigint,
    decided bigint, tokens bigint, refilled bigint, turns bigint, through bigint,
    OUT first bigint, OUT at_ms bigint, OUT before bytea, OUT hash bytea
) LANGUAGE plpgsql AS $$
BEGIN
    IF owner_epoch IS NOT NULL THEN
        PERFORM FROM room_owners o WHERE o.event = of_event AND o.epoch = owner_epoch FOR SHARE;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;
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

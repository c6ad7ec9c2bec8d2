-- Where the operators' log of a room ends, beside the room: it is read with every tick, and stands on the board. An entry that is taken
-- away at the log's end leaves a head without its entry.
-- Columns with constant defaults, and one pass over the rooms. A process of an earlier version appends without raising the head: upgrade
-- between sales.
ALTER TABLE rooms
    ADD COLUMN log_number bigint NOT NULL DEFAULT 0,
    ADD COLUMN log_hash   bytea  NOT NULL DEFAULT '\x0000000000000000000000000000000000000000000000000000000000000000'
        CHECK (length(log_hash) = 32);

UPDATE rooms r SET log_number = l.number, log_hash = l.hash
FROM (SELECT DISTINCT ON (event) event, number, hash FROM room_log ORDER BY event, number DESC) l
WHERE l.event = r.event;

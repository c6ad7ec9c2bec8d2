-- Up to where each waiting room's logs are published to Kafka: moved by the room's owner, under its epoch, after Kafka has acknowledged.
-- A new table. A room is published from its beginning; one that was closed and cleared up before this migration is not.
CREATE TABLE queue_cursors (
    event    uuid   PRIMARY KEY,
    -- Entries of queue_log.
    position bigint NOT NULL DEFAULT 0,
    -- Entries of room_log.
    changes  bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

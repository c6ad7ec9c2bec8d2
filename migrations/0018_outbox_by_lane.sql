-- The outbox in the order of its lane's transactions: a row's position is given under the lock of the lane's row, so that positions are
-- gapless and in commit order, and a relay needs no horizon.
-- The relay must have published everything; it and the booking role stand still meanwhile.

DO $$ BEGIN
    IF EXISTS (SELECT FROM outbox o, outbox_cursors c WHERE (o.xid, o.sequence) > (c.xid, c.sequence)) THEN
        RAISE EXCEPTION 'the outbox has unpublished rows: let the relay of the version before publish them, then migrate';
    END IF;
END $$;

CREATE TEMPORARY TABLE kept AS
    SELECT row_number() OVER (ORDER BY xid, sequence) AS position, id, event, body, written_at FROM outbox;
DROP TABLE outbox, outbox_cursors;

-- Partitioned by day: old partitions are dropped.
CREATE TABLE outbox (
    lane       smallint    NOT NULL,
    position   bigint      NOT NULL,
    -- The CloudEvents id: stays the same however often the row is published.
    id         uuid        NOT NULL,
    -- The Kafka key: the event's id, so that one event's domain events keep their order.
    event      uuid        NOT NULL,
    -- The whole CloudEvent as it goes out.
    body       text        NOT NULL,
    written_at timestamptz NOT NULL
) PARTITION BY RANGE (written_at);
-- Serves the relay's cursor.
CREATE INDEX outbox_by_position ON outbox (lane, position);
-- Rows that no day's partition takes are kept, not lost.
CREATE TABLE outbox_overflow PARTITION OF outbox DEFAULT;

-- How far each lane has been published. The row is leased and fences: a relay that was paused finds another epoch.
CREATE TABLE outbox_cursors (
    lane        smallint PRIMARY KEY,
    epoch       bigint      NOT NULL DEFAULT 0,
    position    bigint      NOT NULL DEFAULT 0,
    owner       uuid
) WITH (fillfactor = 10);

-- What was published before stands in the first lane.
INSERT INTO outbox SELECT 0, position, id, event, body, written_at FROM kept;
INSERT INTO lanes (lane, position) SELECT 0, max(position) FROM kept HAVING count(*) > 0;
INSERT INTO outbox_cursors (lane, position) SELECT 0, max(position) FROM kept HAVING count(*) > 0;
DROP TABLE kept;

-- The outbox: what the relay publishes to Kafka. Written in the transaction of the change it tells of.
-- Partitioned by day: old partitions are dropped, rows never deleted.

CREATE TABLE outbox (
    -- The relay reads only rows whose transaction lies below every transaction still running: a sequence alone is taken before
    -- commit, so `sequence > last` would skip rows that commit late.
    xid        xid8        NOT NULL DEFAULT pg_current_xact_id(),
    sequence   bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- The CloudEvents id: stays the same however often the row is published.
    id         uuid        NOT NULL,
    topic      text        NOT NULL,
    -- The Kafka key: the event's id, so that one event's domain events keep their order.
    event      uuid        NOT NULL,
    type       text        NOT NULL,
    -- The whole CloudEvent as it goes out.
    body       text        NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (written_at);
-- Serves the relay's cursor.
CREATE INDEX outbox_cursor ON outbox (xid, sequence);
-- Rows that no day's partition takes are kept, not lost.
CREATE TABLE outbox_overflow PARTITION OF outbox DEFAULT;

-- Where the relay stands. The row fences: a relay that was paused and comes back finds it moved.
CREATE TABLE outbox_cursors (
    shard    smallint PRIMARY KEY,
    xid      xid8     NOT NULL,
    sequence bigint   NOT NULL
);
INSERT INTO outbox_cursors (shard, xid, sequence) VALUES (0, '0', 0);

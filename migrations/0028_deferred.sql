-- How many fans came back after their turn had passed, in each interval of a room's statistics.
-- A column with a constant default: a lock of a moment, and no rewrite.
ALTER TABLE queue_statistics ADD COLUMN deferred bigint NOT NULL DEFAULT 0;

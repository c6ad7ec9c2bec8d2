-- What a room asks of who joins: the cost of a proof of work, 0 for none. A column with a constant default: `rooms` is locked for a moment,
-- no row is written.
ALTER TABLE rooms ADD COLUMN proof_of_work integer NOT NULL DEFAULT 0;

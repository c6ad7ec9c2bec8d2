-- When somebody last worked on a notification. One that is unfinished and that nobody has touched for a while has lost its task:
-- the notifier publishes it again.
-- The default is computed once, the table is not rewritten; but it is locked until the index is built, which reads all of it. The
-- roles notifier, pdf and mail wait or try again meanwhile. No fan's request touches this table, and no booking.

ALTER TABLE notifications ADD COLUMN touched_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX notifications_unfinished ON notifications (touched_at, id) WHERE state IN ('pending', 'rendered');

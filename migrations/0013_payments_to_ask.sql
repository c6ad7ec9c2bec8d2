-- When the provider is asked next about an attempt to pay: a pause after this; null: not any more. So a look reads what is due, and
-- not every attempt that was ever abandoned.
-- The default is computed once, the table is not rewritten; but it is locked until the index is built, and those who pay wait for
-- that long. Payments are few.

ALTER TABLE payments ADD COLUMN ask_from timestamptz DEFAULT now();
CREATE INDEX payments_to_ask ON payments (ask_from, id)
    WHERE state IN ('open', 'declined') AND provider_ref IS NOT NULL AND ask_from IS NOT NULL;
DROP INDEX payments_unanswered;

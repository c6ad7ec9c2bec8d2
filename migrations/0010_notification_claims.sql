-- Who is sending a notification right now: two copies of one task must not speak to the mail server at the same time. Not a row
-- lock, which would be an open transaction for as long as the conversation takes and hold back the outbox's horizon.
-- A new column without a default: no lock a live sale would feel.

ALTER TABLE notifications ADD COLUMN claimed_until timestamptz;

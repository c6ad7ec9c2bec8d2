-- Sessions as rows: what Redis knows of refresh tokens may be lost, and what has ended stays ended. A new table, and two columns of which one
-- is nullable and one has a constant default: `accounts` is locked for a moment, no row of it is written. The foreign key locks it against
-- writes as long as making an empty table takes.

ALTER TABLE accounts
    -- Since when it cannot log in; null where it can.
    ADD COLUMN disabled_at         timestamptz,
    -- How often the holder set another password. What was proved by an older one is void; hashing the same one again counts nothing.
    ADD COLUMN password_generation integer NOT NULL DEFAULT 0;

CREATE TABLE sessions (
    -- Also the `jti` of its access tokens: it names the session and proves nothing.
    id         uuid        PRIMARY KEY,
    account    uuid        NOT NULL REFERENCES accounts (id),
    -- From where, in a few words.
    device     text        NOT NULL CHECK (length(device) <= 60),
    -- SHA-256 of what all its refresh tokens share, and of what only the current one has.
    secret     bytea       NOT NULL CHECK (length(secret) = 32),
    current    bytea       NOT NULL CHECK (length(current) = 32),
    begun_at   timestamptz NOT NULL,
    -- When it was refreshed last.
    used_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,
    -- Why; the storage's `EndReason`.
    end_reason text,
    CHECK (num_nulls(ended_at, end_reason) IN (0, 2))
);
-- An account's own: to list and to end.
CREATE INDEX sessions_live ON sessions (account, used_at) WHERE ended_at IS NULL;
-- What ended in the last minutes: gateways refuse its access tokens.
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
-- What is old enough to be forgotten.
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Accounts. Refresh tokens live in Redis; passwords here, as bcrypt hashes.
-- New tables only: no lock a live sale would feel.

CREATE TABLE accounts (
    id            uuid PRIMARY KEY,
    email         text        NOT NULL,
    name          text        NOT NULL,
    role          text        NOT NULL CHECK (role IN ('user', 'organizer', 'admin')),
    -- Null for accounts that can only log in by other means (minted for load tests, or by a social login).
    password_hash text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    -- Addresses are stored in lower case, so that one person is one account.
    CONSTRAINT accounts_email_lower CHECK (email = lower(email)),
    CONSTRAINT accounts_email_unique UNIQUE (email)
);

-- Who has shown that their address is theirs, and whose place it is where a room asks for that. A nullable column, a column with a constant
-- default and a new table: `accounts` and `rooms` are locked for a moment, no row is written.
ALTER TABLE accounts ADD COLUMN email_verified_at timestamptz;

-- How sure a room wants to be of who joins: `account` or `verified_email`.
ALTER TABLE rooms ADD COLUMN assurance text NOT NULL DEFAULT 'account';

-- The one account of each person that may have a place in a room that asks for verified addresses: the first that joined.
CREATE TABLE queue_identities (
    event    uuid  NOT NULL,
    -- SHA-256 of the address as its provider reads it; see the domain's `identity::mailbox`.
    identity bytea NOT NULL CHECK (length(identity) = 32),
    account  uuid  NOT NULL,
    PRIMARY KEY (event, identity)
);

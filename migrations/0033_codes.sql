-- Codes that let their holders into a waiting room. New tables, and columns with constant defaults: `rooms` is locked for a moment, no row
-- is written.

ALTER TABLE rooms
    -- Whether it takes a code to join, and until when.
    ADD COLUMN asks_code    boolean NOT NULL DEFAULT false,
    ADD COLUMN code_until   timestamptz,
    -- How many batches of codes were made: read with every tick, so that replicas know when there is another one.
    ADD COLUMN code_batches integer NOT NULL DEFAULT 0;

-- What codes that were made together have in common. Codes themselves follow from it, and stand nowhere.
CREATE TABLE queue_code_batches (
    event       uuid        NOT NULL,
    batch       integer     NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('presale', 'invite')),
    codes       integer     NOT NULL,
    uses        integer     NOT NULL,
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    made_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (event, batch)
);

-- Codes that were used or revoked.
CREATE TABLE queue_codes (
    event      uuid    NOT NULL,
    batch      integer NOT NULL,
    number     integer NOT NULL,
    uses       integer NOT NULL,
    used       integer NOT NULL DEFAULT 0 CHECK (used >= 0),
    revoked_at timestamptz,
    PRIMARY KEY (event, batch, number),
    CONSTRAINT queue_codes_used_up CHECK (used <= uses)
) WITH (fillfactor = 50);

-- By which code an account came in: one of an event's codes for each account, whatever it tries.
CREATE TABLE queue_code_uses (
    event   uuid        NOT NULL,
    account uuid        NOT NULL,
    batch   integer     NOT NULL,
    number  integer     NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (event, account)
);

-- Counts a use of a code, in the transaction that writes the join. Returns `taken`, `had` (the account came in by a code before, which was not
-- revoked), `used_up` or `revoked`; nothing is counted but for `taken`. Two at once: the code's row is locked first, so the second one sees
-- what the first one has done. Who calls it for several goes by the order of the codes, or two of them wait for each other.
CREATE FUNCTION queue_code_use(of_event uuid, of_batch integer, of_number integer, at_most integer, by_account uuid)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before record;
BEGIN
    SELECT u.batch, u.number, c.revoked_at INTO before
    FROM queue_code_uses u JOIN queue_codes c USING (event, batch, number)
    WHERE u.event = of_event AND u.account = by_account FOR UPDATE OF u;
    IF FOUND AND before.revoked_at IS NULL THEN
        RETURN 'had';
    END IF;
    INSERT INTO queue_codes AS c (event, batch, number, uses, used) VALUES (of_event, of_batch, of_number, at_most, 1)
    ON CONFLICT (event, batch, number) DO UPDATE SET used = c.used + 1 WHERE c.used < c.uses AND c.revoked_at IS NULL;
    IF NOT FOUND THEN
        RETURN (SELECT CASE WHEN c.revoked_at IS NULL THEN 'used_up' ELSE 'revoked' END FROM queue_codes c
                WHERE c.event = of_event AND c.batch = of_batch AND c.number = of_number);
    END IF;
    INSERT INTO queue_code_uses AS u (event, account, batch, number) VALUES (of_event, by_account, of_batch, of_number)
    ON CONFLICT (event, account) DO UPDATE SET batch = excluded.batch, number = excluded.number, at = clock_timestamp()
        -- Where it is the code that was revoked; not where another join of this account has just counted one.
        WHERE (u.batch, u.number) = (before.batch, before.number);
    IF NOT FOUND THEN
        UPDATE queue_codes c SET used = c.used - 1 WHERE c.event = of_event AND c.batch = of_batch AND c.number = of_number;
        RETURN 'had';
    END IF;
    RETURN 'taken';
END $$;

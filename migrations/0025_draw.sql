-- The draw of a lobby: what was announced, closed and drawn, and the trees that prove it.
-- What the draw was before is not carried over: upgrade between sales. The columns that go lock `rooms` for a moment.

-- Beside `rooms`, because it changes a handful of times and is then read once by each process.
CREATE TABLE room_draws (
    event     uuid  PRIMARY KEY,
    -- Random, made by the room's first owner; public with the outcome.
    secret    bytea NOT NULL CHECK (length(secret) = 32),
    -- JSON, as it is published: the terms in the order in which they were announced; the lobby's last head; what was drawn.
    announced text  NOT NULL,
    closed    text,
    outcome   text
);

-- Merkle trees in blocks of 4,096 leaves, so that one leaf is proved without reading the others.
CREATE TABLE draw_trees (
    event     uuid     NOT NULL,
    -- 0: the closed lobby, whose leaves are in the room's log. 1: the ranks.
    tree      smallint NOT NULL CHECK (tree IN (0, 1)),
    block     integer  NOT NULL,
    -- Root over the block's leaves.
    hash      bytea    NOT NULL CHECK (length(hash) = 32),
    -- Of ranks: the places, 16 bytes each, in order, and what orders the first of them.
    places    bytea,
    first_key bytea,
    PRIMARY KEY (event, tree, block)
);

ALTER TABLE rooms
    DROP COLUMN draw_secret, DROP COLUMN draw_beacon, DROP COLUMN draw_root, DROP COLUMN draw_seed, DROP COLUMN drawn_at,
    -- Rises with every change of the room's row in room_draws.
    ADD COLUMN draw_revision integer NOT NULL DEFAULT 0;

-- How a waiting room went, one row for each room and interval, written by the room's owner. Two new tables: no lock that a live sale would
-- feel.

CREATE TABLE queue_statistics (
    event        uuid    NOT NULL,
    -- The interval's end, Unix ms: it begins where the row before ends.
    at_ms        bigint  NOT NULL,
    -- In the interval.
    joined       bigint  NOT NULL,
    gone         bigint  NOT NULL,
    admitted     bigint  NOT NULL,
    claimed      bigint  NOT NULL,
    no_shows     bigint  NOT NULL,
    -- At its end.
    waiting      bigint  NOT NULL,
    inside       bigint  NOT NULL,
    rate_per_min integer NOT NULL,
    PRIMARY KEY (event, at_ms)
);

-- Up to where a room's entries are counted, and what the next interval is reckoned from.
CREATE TABLE queue_counted (
    event    uuid   PRIMARY KEY,
    at_ms    bigint NOT NULL,
    position bigint NOT NULL,
    admitted bigint NOT NULL,
    -- Turns that had come and were neither claimed nor over.
    unclaimed bigint NOT NULL
) WITH (fillfactor = 50);

-- Every seat and standing place of an event, written once when the event is created and never changed.
-- A standing place is a seat without a position.

CREATE TABLE seats (
    event     uuid     NOT NULL REFERENCES events (id),
    no        integer  NOT NULL,
    section   smallint NOT NULL,
    -- Running row within the section, and run of seats without a gap within the row.
    row_no    smallint NOT NULL,
    block     smallint NOT NULL,
    row_label text     NOT NULL,
    number    text     NOT NULL,
    guid      text     NOT NULL,
    category  smallint NOT NULL,
    x         real,
    y         real,
    PRIMARY KEY (event, no),
    UNIQUE (event, guid)
);
CREATE INDEX seats_by_section ON seats (event, section, no);

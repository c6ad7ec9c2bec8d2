-- Whether a room closes by itself when everything is sold. A column with a constant default: no lock that a live sale would feel.
ALTER TABLE rooms ADD COLUMN close_when_sold_out boolean NOT NULL DEFAULT false;

-- What an event's pages and its publication need without looking at its seats.
-- Constant defaults rewrite nothing: no lock a live sale would feel.

-- The waiting room's settings, from which publishing makes the room.
ALTER TABLE events ADD COLUMN queue_settings jsonb NOT NULL DEFAULT '{}';
-- How many places have this price; written once with the seats, which never change.
ALTER TABLE event_categories ADD COLUMN seat_count integer NOT NULL DEFAULT 0;

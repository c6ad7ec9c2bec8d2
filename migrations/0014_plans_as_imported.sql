-- A plan is kept as the text it came as. As `jsonb` it came back longer (a space after every colon, a number like 1e131071 in full) and
-- could then be larger than what may be imported; and texts that `jsonb` cannot keep had to be refused.
-- Rewrites the table and locks it meanwhile: importing venues and reading their plans wait, no sale does.

ALTER TABLE venues ALTER COLUMN plan TYPE text USING plan::text;

-- The switch that stops buying at once, for those who are inside too.
ALTER TABLE rooms ADD COLUMN selling boolean NOT NULL DEFAULT true;

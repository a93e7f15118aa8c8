-- Keys that end, that are being rotated, that count from some networks only, and their
-- last use. The networks are words without spaces.
ALTER TABLE keys ADD COLUMN expires_at int8;
ALTER TABLE keys ADD COLUMN last_used_at int8;
ALTER TABLE keys ADD COLUMN previous_hash bytea;
ALTER TABLE keys ADD COLUMN previous_until int8;
ALTER TABLE keys ADD COLUMN networks text NOT NULL DEFAULT '';

-- Keys that end, that are being rotated, that count from some networks only, and their
-- last use. The networks are words without spaces.
ALTER TABLE keys ADD COLUMN expires_at INTEGER;
ALTER TABLE keys ADD COLUMN last_used_at INTEGER;
ALTER TABLE keys ADD COLUMN previous_hash BLOB;
ALTER TABLE keys ADD COLUMN previous_until INTEGER;
ALTER TABLE keys ADD COLUMN networks TEXT NOT NULL DEFAULT '';

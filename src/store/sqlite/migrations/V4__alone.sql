-- The verification that a number last had to itself. A row only names it; whether it still
-- runs is read from its record.
CREATE TABLE alone (
    to_number       INTEGER PRIMARY KEY NOT NULL,
    verification_id BLOB NOT NULL
);
CREATE INDEX alone_of_verification ON alone (verification_id);

-- Keys for tests, and what verifies signed requests, sealed.
ALTER TABLE keys ADD COLUMN test INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN signature_secret BLOB;

-- Digests of the signatures of requests, each of which is accepted once.
CREATE TABLE signatures (
    digest BLOB PRIMARY KEY NOT NULL,
    at     INTEGER NOT NULL
) WITHOUT ROWID;

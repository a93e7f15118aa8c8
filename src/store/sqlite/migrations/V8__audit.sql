-- What administrators did. Each row's hash covers the row and the hash before it.
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    action   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    before   TEXT,
    after    TEXT,
    hash     BLOB NOT NULL
);

-- Where the log ends, apart from it, so that a missing end is noticed. One row.
CREATE TABLE audit_head (
    only  INTEGER PRIMARY KEY NOT NULL CHECK (only = 1),
    count INTEGER NOT NULL,
    hash  BLOB NOT NULL
);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;

-- Times are nanoseconds since 1970. Indexes only on columns that never change,
-- so that a new version touches one page of its table and the journal's last.

CREATE TABLE verifications (
    id         BLOB PRIMARY KEY NOT NULL,
    version    INTEGER NOT NULL,
    app        TEXT NOT NULL,
    to_number  INTEGER NOT NULL,
    reference  TEXT,
    status     INTEGER NOT NULL,
    outcome    INTEGER,
    created_at INTEGER NOT NULL,
    due_at     INTEGER,
    -- The newest row of the journal that belongs to it.
    journaled  INTEGER,
    record     BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX verifications_of_app ON verifications (app, id);
CREATE INDEX verifications_to_number ON verifications (app, to_number, id);
CREATE INDEX verifications_by_reference ON verifications (app, reference, id)
    WHERE reference IS NOT NULL;

-- When to look at a verification. A row counts while it says what the
-- verification's due_at says; one that does not is dropped when its time comes,
-- in order, rather than by the change that made it stale.
CREATE TABLE due (
    at              INTEGER NOT NULL,
    verification_id BLOB NOT NULL,
    PRIMARY KEY (at, verification_id)
) WITHOUT ROWID;

-- One row carries a notification, the timeline entries that it caused, or both.
-- Those of one verification are a chain, from its newest back to its first.
CREATE TABLE journal (
    sequence        INTEGER PRIMARY KEY NOT NULL,
    previous        INTEGER,
    at              INTEGER NOT NULL,
    verification_id BLOB,
    entries         BLOB,
    account         TEXT,
    event           TEXT,
    verdict         TEXT,
    number_hash     BLOB,
    masked          TEXT,
    body            BLOB,
    signature       BLOB
);
CREATE INDEX journal_uncorrelated ON journal (at) WHERE verification_id IS NULL;

-- A row only names its attempt; whether it still holds is read from that
-- attempt's record.
CREATE TABLE claims (
    account         TEXT NOT NULL,
    form            INTEGER NOT NULL,
    verification_id BLOB NOT NULL,
    attempt         INTEGER NOT NULL,
    PRIMARY KEY (account, form)
) WITHOUT ROWID;
CREATE INDEX claims_of_verification ON claims (verification_id);

CREATE TABLE idempotency (
    app             TEXT NOT NULL,
    key             TEXT NOT NULL,
    fingerprint     BLOB NOT NULL,
    verification_id BLOB NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (app, key)
) WITHOUT ROWID;

CREATE TABLE keys (
    id          TEXT PRIMARY KEY NOT NULL,
    app         TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    scopes      TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    revoked_at  INTEGER
);

CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
);

-- What stays of verifications past their retention. The outcome is -1 where there is none.
CREATE TABLE counts (
    day     INTEGER NOT NULL,
    app     TEXT NOT NULL,
    status  INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    total   INTEGER NOT NULL,
    PRIMARY KEY (day, app, status, outcome)
) WITHOUT ROWID;

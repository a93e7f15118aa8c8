-- Who is signed in to the console. The hash is a keyed one of what the browser sends.
CREATE TABLE sessions (
    hash      BLOB PRIMARY KEY NOT NULL,
    key_id    TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    seen_at   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_of_key ON sessions (key_id);
CREATE INDEX sessions_by_age ON sessions (opened_at);

-- What the guard counts, by a keyed hash: one row a key, written by each start that counts.
CREATE TABLE guard_windows (
    key        BLOB PRIMARY KEY NOT NULL,
    expires_at INTEGER NOT NULL,
    windows    BLOB NOT NULL
) WITHOUT ROWID;

-- What stands in the way of starts, by a keyed hash: switches, suppressed numbers, blocks,
-- cooldowns. Without an end it stands until it is lifted. The subject is what operators are
-- shown; numbers in it are masked.
CREATE TABLE guard_bars (
    key        BLOB PRIMARY KEY NOT NULL,
    rule       TEXT NOT NULL,
    app        TEXT,
    subject    TEXT NOT NULL,
    reason     TEXT,
    created_at INTEGER NOT NULL,
    until      INTEGER
) WITHOUT ROWID;
CREATE INDEX guard_bars_of_rule ON guard_bars (rule, key);

-- What each rule refused, or would have.
CREATE TABLE guard_totals (
    rule  TEXT NOT NULL,
    mode  TEXT NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (rule, mode)
) WITHOUT ROWID;

-- What the guard counts, by a keyed hash: one row a key, written by each start that counts.
-- No index but the key's, so that a count touches its row alone (fillfactor leaves it room).
CREATE TABLE guard_windows (
    key        bytea PRIMARY KEY,
    expires_at int8 NOT NULL,
    windows    bytea NOT NULL
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02);

-- What stands in the way of starts, by a keyed hash: switches, suppressed numbers, blocks,
-- cooldowns. Without an end it stands until it is lifted. The subject is what operators are
-- shown; numbers in it are masked.
CREATE TABLE guard_bars (
    key        bytea PRIMARY KEY,
    rule       text COLLATE "C" NOT NULL,
    app        text COLLATE "C",
    subject    text NOT NULL,
    reason     text,
    created_at int8 NOT NULL,
    until      int8
);
CREATE INDEX guard_bars_of_rule ON guard_bars (rule, key);

-- What each rule refused, or would have.
CREATE TABLE guard_totals (
    rule  text COLLATE "C" NOT NULL,
    mode  text COLLATE "C" NOT NULL,
    total int8 NOT NULL,
    PRIMARY KEY (rule, mode)
) WITH (fillfactor = 50);

-- While another store is being copied into this one: which, by a fingerprint of all that it
-- holds. Nobody serves meanwhile, and only that copy is gone on with.
CREATE TABLE unfinished_copy (
    one    boolean PRIMARY KEY CHECK (one),
    source bytea NOT NULL
);

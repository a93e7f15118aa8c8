-- What apps are told. State: 0 pending, 1 delivered, 2 failed, 3 held. A pending one
-- is due at due_at unless somebody holds it until lease_until; the others are never due.
-- Either endpoint or callback_url says where to; payload is what is sent.
CREATE TABLE deliveries (
    id              BLOB PRIMARY KEY NOT NULL,
    app             TEXT NOT NULL,
    verification_id BLOB NOT NULL,
    endpoint        TEXT,
    callback_url    TEXT,
    type            TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    payload         BLOB NOT NULL,
    state           INTEGER NOT NULL,
    due_at          INTEGER,
    lease_until     INTEGER,
    tries           INTEGER NOT NULL,
    tries_in_round  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX deliveries_of_app ON deliveries (app, id);
CREATE INDEX deliveries_of_verification ON deliveries (verification_id);
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_held ON deliveries (app, endpoint) WHERE state = 3;

CREATE TABLE delivery_tries (
    delivery_id BLOB NOT NULL,
    number      INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    duration    INTEGER NOT NULL,
    status      INTEGER,
    error       TEXT,
    PRIMARY KEY (delivery_id, number)
) WITHOUT ROWID;

-- Only those that are disabled; the configuration says which there are.
CREATE TABLE disabled_endpoints (
    app    TEXT NOT NULL,
    name   TEXT NOT NULL,
    at     INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (app, name)
) WITHOUT ROWID;

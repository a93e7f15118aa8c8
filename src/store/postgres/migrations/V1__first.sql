-- Times are nanoseconds since 1970. Indexes of verifications only on columns that never
-- change, so that a new version touches its row alone (fillfactor leaves it room beside).

CREATE TABLE verifications (
    id         uuid PRIMARY KEY,
    version    int4 NOT NULL,
    app        text COLLATE "C" NOT NULL,
    to_number  int8 NOT NULL,
    -- Bytes, since an app's text may hold what no text column takes.
    reference  bytea,
    status     int2 NOT NULL,
    outcome    int2,
    created_at int8 NOT NULL,
    due_at     int8,
    -- The channels of its plan, one bit each.
    channels   int4 NOT NULL,
    record     bytea NOT NULL
) WITH (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX verifications_of_app ON verifications (app, id);
CREATE INDEX verifications_to_number ON verifications (app, to_number, id);
CREATE INDEX verifications_by_reference ON verifications (app, reference, id)
    WHERE reference IS NOT NULL;

-- When to look at a verification. A row counts while it says what the
-- verification's due_at says; one that does not is dropped when its time comes.
CREATE TABLE due (
    at              int8 NOT NULL,
    verification_id uuid NOT NULL,
    PRIMARY KEY (at, verification_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- One row carries a notification, the timeline entries that it caused, or both.
CREATE TABLE journal (
    sequence        int8 GENERATED ALWAYS AS IDENTITY,
    at              int8 NOT NULL,
    verification_id uuid,
    entries         bytea,
    account         text,
    event           text,
    verdict         text,
    number_hash     bytea,
    masked          text,
    body            bytea,
    signature       bytea,
    -- The row that this one is a replay of.
    replay_of       int8,
    -- By which the feed is read: what is older than every transaction under way is all there.
    transaction     xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX journal_by_sequence ON journal (sequence);
CREATE INDEX journal_by_transaction ON journal (transaction, sequence)
    WHERE entries IS NOT NULL;
CREATE INDEX journal_of_verification ON journal (verification_id, sequence)
    WHERE verification_id IS NOT NULL;
CREATE INDEX journal_uncorrelated ON journal (at) WHERE verification_id IS NULL;

-- A row only names its attempt; whether it still holds is read from that
-- attempt's record.
CREATE TABLE claims (
    account         text COLLATE "C" NOT NULL,
    form            int8 NOT NULL,
    verification_id uuid NOT NULL,
    attempt         int2 NOT NULL,
    PRIMARY KEY (account, form)
);
CREATE INDEX claims_of_verification ON claims (verification_id);

-- The verification that a number last had to itself. A row only names it; whether it still
-- runs is read from its record.
CREATE TABLE alone (
    to_number       int8 PRIMARY KEY,
    verification_id uuid NOT NULL
);
CREATE INDEX alone_of_verification ON alone (verification_id);

CREATE TABLE idempotency (
    app             text COLLATE "C" NOT NULL,
    key             bytea NOT NULL,
    fingerprint     bytea NOT NULL,
    verification_id uuid NOT NULL,
    created_at      int8 NOT NULL,
    PRIMARY KEY (app, key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

CREATE TABLE keys (
    id               text COLLATE "C" PRIMARY KEY,
    app              text NOT NULL,
    secret_hash      bytea NOT NULL,
    scopes           text NOT NULL,
    test             boolean NOT NULL,
    signature_secret bytea,
    created_at       int8 NOT NULL,
    revoked_at       int8
);

-- Digests of the signatures of requests, each of which is accepted once.
CREATE TABLE signatures (
    digest bytea PRIMARY KEY,
    at     int8 NOT NULL
);
CREATE INDEX signatures_by_age ON signatures (at);

CREATE TABLE meta (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE numbers (
    name  text PRIMARY KEY,
    value int8 NOT NULL
);

-- The row that probes write.
CREATE TABLE probe (
    one  boolean PRIMARY KEY CHECK (one),
    next int4 NOT NULL
);

-- The oldest schema that a release must know to work with this one. A migration that an
-- older release cannot live with raises it.
CREATE TABLE oldest_schema (version int4 NOT NULL);
INSERT INTO oldest_schema VALUES (1);

-- What stays of verifications past their retention. The outcome is -1 where there is none.
CREATE TABLE counts (
    day     int4 NOT NULL,
    app     text COLLATE "C" NOT NULL,
    status  int2 NOT NULL,
    outcome int2 NOT NULL,
    total   int8 NOT NULL,
    PRIMARY KEY (day, app, status, outcome)
);

-- What apps are told. State: 0 pending, 1 delivered, 2 failed, 3 held. A pending one
-- is due at due_at unless somebody holds it until lease_until; the others are never due.
-- Either endpoint or callback_url says where to; payload is what is sent.
CREATE TABLE deliveries (
    id              uuid PRIMARY KEY,
    app             text COLLATE "C" NOT NULL,
    verification_id uuid NOT NULL,
    endpoint        text COLLATE "C",
    callback_url    text,
    type            text NOT NULL,
    created_at      int8 NOT NULL,
    payload         bytea NOT NULL,
    state           int2 NOT NULL,
    due_at          int8,
    lease_until     int8,
    tries           int4 NOT NULL,
    tries_in_round  int4 NOT NULL
) WITH (fillfactor = 85);
CREATE INDEX deliveries_of_app ON deliveries (app, id);
CREATE INDEX deliveries_of_verification ON deliveries (verification_id);
CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_held ON deliveries (app, endpoint) WHERE state = 3;

CREATE TABLE delivery_tries (
    delivery_id uuid NOT NULL,
    number      int4 NOT NULL,
    at          int8 NOT NULL,
    duration    int8 NOT NULL,
    status      int4,
    error       text,
    PRIMARY KEY (delivery_id, number)
);

-- Only those that are disabled; the configuration says which there are.
CREATE TABLE disabled_endpoints (
    app    text COLLATE "C" NOT NULL,
    name   text COLLATE "C" NOT NULL,
    at     int8 NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (app, name)
);

-- What is played into calls: each version of a sound with the file as it came and as it is
-- played, where a provider has it, and the prompts that were made by API.
CREATE TABLE sounds (
    name       text COLLATE "C" NOT NULL,
    version    int4 NOT NULL,
    digest     bytea NOT NULL,
    size       int8 NOT NULL,
    inspection text NOT NULL,
    created_at int8 NOT NULL,
    PRIMARY KEY (name, version)
);

CREATE TABLE sound_files (
    name     text COLLATE "C" NOT NULL,
    version  int4 NOT NULL,
    original bytea NOT NULL,
    wav      bytea NOT NULL,
    PRIMARY KEY (name, version)
);

CREATE TABLE sound_places (
    name        text COLLATE "C" NOT NULL,
    version     int4 NOT NULL,
    account     text COLLATE "C" NOT NULL,
    provider_id text NOT NULL,
    at          int8 NOT NULL,
    PRIMARY KEY (name, version, account)
);

CREATE TABLE prompts (
    name             text COLLATE "C" PRIMARY KEY,
    default_language text,
    changed_at       int8 NOT NULL
);

CREATE TABLE prompt_languages (
    prompt    text COLLATE "C" NOT NULL,
    language  text COLLATE "C" NOT NULL,
    greeting  text NOT NULL,
    confirmed text NOT NULL,
    fallback  text NOT NULL,
    press     int2,
    PRIMARY KEY (prompt, language)
);

-- What became of verifications, counted by when they were started; hours and days since 1970,
-- channels and outcomes by their numbers. The outcome -1 counts starts. Where the counting has
-- come to in the feed is in meta, under "counted".
CREATE TABLE stats_hours (
    hour    int8 NOT NULL,
    app     text COLLATE "C" NOT NULL,
    channel int2 NOT NULL,
    outcome int2 NOT NULL,
    total   int8 NOT NULL,
    PRIMARY KEY (hour, app, channel, outcome)
);

CREATE TABLE stats_places (
    day     int8 NOT NULL,
    country text COLLATE "C" NOT NULL,
    prefix  text COLLATE "C" NOT NULL,
    app     text COLLATE "C" NOT NULL,
    outcome int2 NOT NULL,
    total   int8 NOT NULL,
    PRIMARY KEY (day, country, prefix, app, outcome)
);

-- How long the verified ones took, in steps of an eighth of an octave.
CREATE TABLE stats_times (
    day     int8 NOT NULL,
    app     text COLLATE "C" NOT NULL,
    channel int2 NOT NULL,
    country text COLLATE "C" NOT NULL,
    step    int2 NOT NULL,
    total   int8 NOT NULL,
    PRIMARY KEY (day, app, channel, country, step)
);

-- Who is signed in to the console. The hash is a keyed one of what the browser sends.
CREATE TABLE sessions (
    hash      bytea PRIMARY KEY,
    key_id    text COLLATE "C" NOT NULL,
    opened_at int8 NOT NULL,
    seen_at   int8 NOT NULL
);
CREATE INDEX sessions_of_key ON sessions (key_id);
CREATE INDEX sessions_by_age ON sessions (opened_at);

-- What administrators did. Each row's hash covers the row and the hash before it.
CREATE TABLE audit (
    sequence int8 PRIMARY KEY,
    at       int8 NOT NULL,
    actor    text NOT NULL,
    action   text NOT NULL,
    subject  text NOT NULL,
    before   text,
    after    text,
    hash     bytea NOT NULL
);

-- Where the log ends, apart from it, so that a missing end is noticed. One row, which
-- whoever appends locks.
CREATE TABLE audit_head (
    count int8 NOT NULL,
    hash  bytea NOT NULL
);
INSERT INTO audit_head VALUES (0, decode(repeat('00', 32), 'hex'));

CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'the audit log only grows'; END$$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();

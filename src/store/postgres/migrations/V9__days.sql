-- The journal and the deliveries are cut by time, so that retention drops whole tables. The
-- cut is by ids, which begin with their milliseconds since 1970: all rows of a verification
-- are in one part of the journal, and unique keys stay what they were. A row for which no
-- part was made is taken by the default one.

-- The parts that there are: days since 1970, the first one in, the last one out.
CREATE TABLE parts (
    of        text COLLATE "C" NOT NULL,
    from_day  int8 NOT NULL,
    until_day int8 NOT NULL CHECK (until_day > from_day),
    PRIMARY KEY (of, from_day)
);

-- Before every id of a day and after every one of the day before.
CREATE FUNCTION day_begins(day int8) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT (lpad(to_hex(day * 86400000), 12, '0') || repeat('0', 20))::uuid$$;

CREATE FUNCTION day_of(id uuid) RETURNS int8 LANGUAGE sql IMMUTABLE STRICT AS
$$SELECT ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::int8 / 86400000$$;

DROP INDEX journal_uncorrelated;
ALTER TABLE journal RENAME TO journal_before;
ALTER TABLE deliveries RENAME TO deliveries_before;
ALTER TABLE delivery_tries RENAME TO delivery_tries_before;

-- What belongs to no verification has no id to be cut by, and goes sooner.
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
    replay_of       int8,
    transaction     xid8 NOT NULL DEFAULT pg_current_xact_id()
) PARTITION BY LIST ((verification_id IS NULL));
CREATE TABLE journal_uncorrelated PARTITION OF journal FOR VALUES IN (true);
CREATE TABLE journal_correlated PARTITION OF journal FOR VALUES IN (false)
    PARTITION BY RANGE (verification_id);
CREATE TABLE journal_correlated_default PARTITION OF journal_correlated DEFAULT;
INSERT INTO journal OVERRIDING SYSTEM VALUE SELECT * FROM journal_before;
SELECT setval(pg_get_serial_sequence('journal', 'sequence'), next.value, false)
    FROM (SELECT nextval(pg_get_serial_sequence('journal_before', 'sequence')) AS value) AS next;
DROP TABLE journal_before;
CREATE INDEX journal_by_sequence ON journal (sequence);
CREATE INDEX journal_by_transaction ON journal (transaction, sequence)
    WHERE entries IS NOT NULL;
CREATE INDEX journal_of_verification ON journal (verification_id, sequence)
    WHERE verification_id IS NOT NULL;
CREATE INDEX journal_uncorrelated_by_age ON journal_uncorrelated (at);

CREATE TABLE deliveries (LIKE deliveries_before) PARTITION BY RANGE (id);
CREATE TABLE deliveries_default PARTITION OF deliveries DEFAULT WITH (fillfactor = 85);
INSERT INTO deliveries SELECT * FROM deliveries_before;
DROP TABLE deliveries_before;
ALTER TABLE deliveries ADD PRIMARY KEY (id);
CREATE INDEX deliveries_of_app ON deliveries (app, id);
CREATE INDEX deliveries_of_verification ON deliveries (verification_id);
CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_held ON deliveries (app, endpoint) WHERE state = 3;

CREATE TABLE delivery_tries (LIKE delivery_tries_before) PARTITION BY RANGE (delivery_id);
CREATE TABLE delivery_tries_default PARTITION OF delivery_tries DEFAULT;
INSERT INTO delivery_tries SELECT * FROM delivery_tries_before;
DROP TABLE delivery_tries_before;
ALTER TABLE delivery_tries ADD PRIMARY KEY (delivery_id, number);

-- Makes a part that holds `day` and at most `days` days, and moves there what the default part
-- holds of them. Nothing is done if there is one, if that would be too many rows to lock readers
-- out for, or if others hold the table for long: then the default part goes on taking them.
CREATE FUNCTION make_part(parent text, key text, day int8, days int8) RETURNS boolean
LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
    begins int8;
    ends int8;
    part text;
    rows int8;
BEGIN
    PERFORM pg_advisory_xact_lock(23169391691723891); -- "RPparts" in ASCII
    IF EXISTS (SELECT 1 FROM parts WHERE of = parent AND from_day <= day AND until_day > day) THEN
        RETURN false;
    END IF;
    -- Aligned, so that the parts of all tables and replicas begin on the same days.
    begins := greatest(day - day % days,
        (SELECT max(until_day) FROM parts WHERE of = parent AND until_day <= day));
    ends := least(day - day % days + days,
        (SELECT min(from_day) FROM parts WHERE of = parent AND from_day > day));
    part := parent || '_' || to_char(date '1970-01-01' + begins::int4, 'YYYYMMDD');
    -- Who reads has looked up the parts before, and would wait for the default one only to find
    -- it without the rows that have moved to a part that he does not know.
    EXECUTE format('LOCK TABLE ONLY %I IN ACCESS EXCLUSIVE MODE', parent);
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_default');
    EXECUTE format('SELECT count(*) FROM (SELECT 1 FROM %I WHERE %I >= $1 AND %I < $2 '
        'LIMIT 10001) AS first', parent || '_default', key, key)
        INTO rows USING day_begins(begins), day_begins(ends);
    IF rows > 10000 THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING INDEXES) '
        'WITH (fillfactor = %s)', part, parent,
        CASE parent WHEN 'deliveries' THEN 85 ELSE 100 END);
    EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= $1 AND %I < $2 RETURNING *) '
        'INSERT INTO %I SELECT * FROM moved', parent || '_default', key, key, part)
        USING day_begins(begins), day_begins(ends);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        parent, part, day_begins(begins), day_begins(ends));
    INSERT INTO parts VALUES (parent, begins, ends);
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END$$;

-- Drops the part that begins on a day, unless others hold the table for long.
CREATE FUNCTION drop_part(parent text, day int8) RETURNS boolean
LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(23169391691723891);
    DELETE FROM parts WHERE of = parent AND from_day = day;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE %I',
        parent || '_' || to_char(date '1970-01-01' + day::int4, 'YYYYMMDD'));
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END$$;

-- Which rows of the journal are replays, and of which row.
CREATE TABLE replays (
    sequence  INTEGER PRIMARY KEY NOT NULL,
    replay_of INTEGER NOT NULL
);
CREATE TRIGGER replays_go_with_their_row AFTER DELETE ON journal BEGIN
    DELETE FROM replays WHERE sequence = old.sequence;
END;

-- A number, once given, is never given again: whoever reads the journal past a place would
-- miss the second row of that number. So an empty row keeps the number of the last one.
CREATE TRIGGER journal_keeps_its_last_number AFTER DELETE ON journal
WHEN old.sequence > (SELECT ifnull(max(sequence), 0) FROM journal) BEGIN
    INSERT INTO journal (sequence, at) VALUES (old.sequence, old.at);
END;

-- What became of verifications, counted by when they were started; hours and days since 1970,
-- channels and outcomes by their numbers. The outcome -1 counts starts. Where the counting has
-- come to in the journal is in meta, under "counted".
CREATE TABLE stats_hours (
    hour    INTEGER NOT NULL,
    app     TEXT NOT NULL,
    channel INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    total   INTEGER NOT NULL,
    PRIMARY KEY (hour, app, channel, outcome)
) WITHOUT ROWID;

CREATE TABLE stats_places (
    day     INTEGER NOT NULL,
    country TEXT NOT NULL,
    prefix  TEXT NOT NULL,
    app     TEXT NOT NULL,
    outcome INTEGER NOT NULL,
    total   INTEGER NOT NULL,
    PRIMARY KEY (day, country, prefix, app, outcome)
) WITHOUT ROWID;

-- How long the verified ones took, in steps of an eighth of an octave.
CREATE TABLE stats_times (
    day     INTEGER NOT NULL,
    app     TEXT NOT NULL,
    channel INTEGER NOT NULL,
    country TEXT NOT NULL,
    step    INTEGER NOT NULL,
    total   INTEGER NOT NULL,
    PRIMARY KEY (day, app, channel, country, step)
) WITHOUT ROWID;

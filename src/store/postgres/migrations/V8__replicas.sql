-- Until when each replica has stored, or applied, all that it received, in nanoseconds
-- since 1970. One that is cut off says nothing, and is waited for before anything expires.
CREATE TABLE replicas (
    id       uuid PRIMARY KEY,
    heard_at int8 NOT NULL
) WITH (fillfactor = 25);

-- Empty. Room is taken in it and given back, to see whether the disk has any.
CREATE TABLE room (filler bytea NOT NULL);
ALTER TABLE room ALTER COLUMN filler SET STORAGE EXTERNAL;

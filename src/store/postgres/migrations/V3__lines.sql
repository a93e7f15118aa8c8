-- Lines of requests to a provider that replicas share: when each place in them is, in
-- nanoseconds since 1970, in order. Whoever takes a place locks the row.
CREATE TABLE lines (
    name   text COLLATE "C" PRIMARY KEY,
    places int8[] NOT NULL
) WITH (fillfactor = 25);

-- What is played into calls: each version of a sound with the file as it came and as it is
-- played, where a provider has it, and the prompts that were made by API.
CREATE TABLE sounds (
    name       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    digest     BLOB NOT NULL,
    size       INTEGER NOT NULL,
    inspection TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;

-- Apart, so that a list of sounds reads none of them.
CREATE TABLE sound_files (
    name     TEXT NOT NULL,
    version  INTEGER NOT NULL,
    original BLOB NOT NULL,
    wav      BLOB NOT NULL,
    PRIMARY KEY (name, version)
);

CREATE TABLE sound_places (
    name        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    account     TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (name, version, account)
) WITHOUT ROWID;

CREATE TABLE prompts (
    name             TEXT PRIMARY KEY NOT NULL,
    default_language TEXT,
    changed_at       INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE prompt_languages (
    prompt    TEXT NOT NULL,
    language  TEXT NOT NULL,
    greeting  TEXT NOT NULL,
    confirmed TEXT NOT NULL,
    fallback  TEXT NOT NULL,
    press     INTEGER,
    PRIMARY KEY (prompt, language)
) WITHOUT ROWID;

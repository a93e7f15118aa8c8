//! Who may import whom, and where foreign crates live.

use std::collections::BTreeSet;
use std::fs;

use crate::assert_none;
use crate::source::{self, Source};

/// The rooms, and what each may import besides itself. `clock` may be imported by all but
/// `domain`; `app` imports everything but `cli`; `main` and `lib` are the wiring.
const ROOMS: [(&str, &[&str]); 17] = [
    ("domain", &[]),
    ("clock", &[]),
    ("config", &["domain"]),
    ("telemetry", &["domain", "config"]),
    ("zadarma", &["domain"]),
    ("live", &["domain"]),
    ("store", &["domain", "config", "telemetry"]),
    ("provider", &["domain", "config", "telemetry", "zadarma"]),
    ("simulator", &["zadarma", "config", "telemetry"]),
    ("guard", &["domain", "config", "telemetry", "store"]),
    ("outbound", &["domain", "config", "telemetry", "store"]),
    ("sounds", &["domain", "config", "telemetry", "provider", "store"]),
    (
        "service",
        &["domain", "telemetry", "store", "provider", "guard", "outbound", "live", "sounds"],
    ),
    ("intake", &["domain", "zadarma", "store", "provider", "service", "telemetry"]),
    ("http", &["domain", "service", "intake", "sounds", "config", "telemetry"]),
    ("cli", &["domain", "app", "config", "service", "sounds", "store", "telemetry"]),
    (
        "app",
        &[
            "domain",
            "config",
            "telemetry",
            "zadarma",
            "live",
            "store",
            "provider",
            "simulator",
            "guard",
            "outbound",
            "sounds",
            "service",
            "intake",
            "http",
        ],
    ),
];

/// Files outside the rooms.
const WIRING: [&str; 2] = ["main", "lib"];

/// Crates, and the only places below `src` that may name them.
const PLACES: [(&str, &[&str]); 6] = [
    ("actix_web", &["http/", "simulator/", "simulator.rs", "app/", "app.rs"]),
    ("rusqlite", &["store/sqlite/", "store/sqlite.rs"]),
    ("tokio_postgres", &["store/postgres/"]),
    ("deadpool_postgres", &["store/postgres/"]),
    ("refinery", &["store/sqlite/", "store/sqlite.rs", "store/postgres/"]),
    ("anyhow", &["cli/", "app/", "app.rs", "main.rs"]),
];

/// The only places that may read the environment.
const ENVIRONMENT: [&str; 2] = ["config/", "main.rs"];

/// The only places that may ask for the real clock.
const REAL_CLOCK: [&str; 3] = ["clock/", "app/", "app.rs"];

/// Rooms with adapters, which are private: what cannot be named cannot be depended on.
const PORTS: [&str; 2] = ["store/mod.rs", "provider/mod.rs"];

/// The adapters there are or are to be.
const ADAPTERS: [&str; 5] = ["sqlite", "postgres", "zadarma", "vonage", "smtp"];

/// Names that collect what nobody placed.
const PLACELESS: [&str; 5] = ["utils", "helpers", "common", "manager", "misc"];

#[test]
fn rooms_import_only_what_the_table_allows() {
    assert_none(&source::all().iter().flat_map(wrong_imports).collect::<Vec<_>>());
}

#[test]
fn foreign_crates_live_in_their_places() {
    assert_none(&source::all().iter().flat_map(misplaced).collect::<Vec<_>>());
}

#[test]
fn every_file_has_a_name_and_a_doc_that_says_something() {
    assert_none(&source::all().iter().flat_map(unclear).collect::<Vec<_>>());
}

#[test]
fn every_room_is_in_the_library_and_the_table() {
    let library = fs::read_to_string(source::root().join("src/lib.rs")).unwrap();
    let rooms: BTreeSet<String> = source::all().iter().map(|file| file.room().to_owned()).collect();
    let missing = rooms.iter().filter(|room| {
        !WIRING.contains(&room.as_str()) && !library.contains(&format!("pub mod {room};"))
    });
    assert_none(&missing.map(|room| format!("{room} is not in lib.rs")).collect::<Vec<_>>());
}

fn wrong_imports(file: &Source) -> Vec<String> {
    let room = file.room();
    if WIRING.contains(&room) {
        return Vec::new();
    }
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("src/{}: {room} is not in the table of rooms", file.path)];
    };
    let may = |other: &str| {
        other == room
            || allowed.contains(&other)
            || (other == "clock" && room != "domain")
            || other == "self"
    };
    let imports: BTreeSet<&str> = file
        .children_of("crate")
        .into_iter()
        .chain(file.children_of_root())
        .filter(|other| !may(other))
        .collect();
    imports
        .iter()
        .map(|other| format!("src/{}: {room} may not import {other}", file.path))
        .collect()
}

fn misplaced(file: &Source) -> Vec<String> {
    let elsewhere = |places: &[&str]| !places.iter().any(|place| file.path.starts_with(place));
    let words: BTreeSet<&str> = file.words().map(|(_, word)| word).collect();
    let mut found: Vec<&str> = PLACES
        .iter()
        .filter(|(name, places)| elsewhere(places) && words.contains(name))
        .map(|(name, _)| *name)
        .collect();
    if elsewhere(&ENVIRONMENT) && file.children_of("std").contains(&"env") {
        found.push("std::env");
    }
    if elsewhere(&REAL_CLOCK) && file.children_of("Clock").contains(&"real") {
        found.push("Clock::real");
    }
    if PORTS.contains(&file.path.as_str()) && public_adapter(&file.code) {
        found.push("an adapter that is not private");
    }
    found.iter().map(|what| format!("src/{}: {what} has no place here", file.path)).collect()
}

fn public_adapter(code: &str) -> bool {
    let public = |statement: &str| {
        let module = statement.rsplit_once(" mod ").filter(|_| statement.starts_with("pub"));
        module.is_some_and(|(_, name)| ADAPTERS.contains(&name.trim()))
    };
    code.split([';', '{', '}']).map(str::trim).any(public)
}

fn unclear(file: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for part in file.path.trim_end_matches(".rs").split('/') {
        if PLACELESS.iter().any(|bad| part.split('_').any(|word| word == *bad)) {
            found.push(format!(
                "src/{}: {part} collects what nobody placed; name what it holds",
                file.path
            ));
        }
    }
    let doc: String = file.text.lines().map_while(|line| line.strip_prefix("//!")).collect();
    if file.path.ends_with("tests.rs") || doc.trim().len() > 10 {
        return found;
    }
    found.push(format!("src/{}: has no module doc that says what it is", file.path));
    found
}

#[test]
fn bad_imports_are_found() {
    let wrong = |path: &str, text: &str| wrong_imports(&Source::new(path, text)).len();
    assert_eq!(wrong("domain/a.rs", "use crate::{clock::Clock, config};"), 2);
    assert_eq!(wrong("http/v1/a.rs", "fn f() { crate::store::open() }"), 1);
    assert_eq!(wrong("http/mod.rs", "use super::store::Store;"), 1);
    assert_eq!(wrong("app.rs", "use crate::{cli, http};"), 1);
    assert_eq!(wrong("app/a.rs", "use crate::http;"), 0);
    assert_eq!(wrong("live/a.rs", "use crate::clock::Clock; // crate::store"), 0);
    assert_eq!(wrong("attic/a.rs", ""), 1);
}

#[test]
fn misplaced_crates_are_found() {
    let wrong = |path: &str, text: &str| misplaced(&Source::new(path, text)).len();
    assert_eq!(wrong("service/a.rs", "use actix_web::web; use anyhow::Context;"), 2);
    assert_eq!(wrong("store/mod.rs", "use rusqlite::Connection; pub(crate) mod sqlite;"), 2);
    assert_eq!(wrong("store/mod.rs", "pub mod record; mod sqlite; pub use sqlite::X;"), 0);
    assert_eq!(wrong("store/sqlite/a.rs", "use rusqlite::Connection;"), 0);
    assert_eq!(wrong("http/a.rs", "use std::{env, fs}; use actix_web::web;"), 1);
    assert_eq!(wrong("http/a.rs", "fn f() { std::env::var(\"A\"); Clock::real() }"), 2);
    assert_eq!(wrong("http/a.rs", "// std::env\nconst A: &str = \"rusqlite\";"), 0);
}

#[test]
fn unclear_files_are_found() {
    let wrong = |path: &str, text: &str| unclear(&Source::new(path, text)).len();
    assert_eq!(wrong("store/row_utils.rs", "//! Rows and what they hold."), 1);
    assert_eq!(wrong("store/rows.rs", "//! ."), 1);
    assert_eq!(wrong("store/rows.rs", "use x;"), 1);
    assert_eq!(wrong("store/rows.rs", "//! Rows and what they hold."), 0);
}

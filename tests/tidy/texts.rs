//! What no text of the repository may hold: paths of somebody's machine, and marks of
//! unfinished work.

use std::fs;
use std::path::PathBuf;

use crate::assert_none;
use crate::source;

/// Folders and files at the top that are looked through.
const LOOKED_AT: [&str; 14] = [
    "src",
    "tests",
    "benches",
    "sounds",
    "scripts",
    "docs",
    ".ci",
    "Cargo.toml",
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "config.example.toml",
    "rustfmt.toml",
    ".clippy.toml",
];

/// Words in two parts, so that this file does not hold them.
const MARKS: [(&str, &str); 4] = [("TO", "DO"), ("FIX", "ME"), ("XX", "X:"), ("HA", "CK:")];
const PATHS: [(&str, &str); 4] = [("/ho", "me/"), ("/ro", "ot/"), ("/wo", "rk/"), ("/Use", "rs/")];

#[test]
fn texts_hold_no_marks_of_unfinished_work_and_no_paths_of_a_machine() {
    let mut files: Vec<PathBuf> = Vec::new();
    for name in LOOKED_AT {
        let path = source::root().join(name);
        if path.is_dir() {
            source::walk(&path, &mut files);
        } else if path.is_file() {
            files.push(path);
        }
    }
    let mut problems = Vec::new();
    for path in files {
        // What is no text, such as a sound, is passed over.
        if let Ok(text) = fs::read_to_string(&path) {
            problems.extend(
                wrong_words(&text).into_iter().map(|wrong| format!("{}:{wrong}", path.display())),
            );
        }
    }
    assert_none(&problems);
}

fn wrong_words(text: &str) -> Vec<String> {
    let words: Vec<String> = MARKS.iter().chain(&PATHS).map(|(a, b)| format!("{a}{b}")).collect();
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        found.extend(
            words
                .iter()
                .filter(|word| line.contains(*word))
                .map(|word| format!("{}: {word}", number + 1)),
        );
    }
    found
}

#[test]
fn wrong_words_are_found() {
    for (a, b) in MARKS.iter().chain(&PATHS) {
        assert_eq!(wrong_words(&format!("\n// {a}{b}")), [format!("2: {a}{b}")]);
    }
    assert!(wrong_words("what to do at home").is_empty());
}

//! Secrets, which may stand in a file of their own.
//!
//! No message of this file repeats what it read.

use std::fs;
use std::path::Path;

use crate::domain::{Secret, SigningSecret};

use super::section::Section;
use super::tree::{Entry, Value};
use super::value;

/// The fewest characters of a token in a URL: 22 of 64 kinds are more than 128 bits.
const SHORTEST_TOKEN: usize = 22;
/// The longest that any secret may be, so that a wrong path does not fill the memory.
const LONGEST: usize = 4096;

/// Says what is wrong with the text of a secret, without repeating it.
pub(super) type Check = fn(&str) -> Result<(), String>;

/// A secret that must be set, as `key` or in the file that `key_file` names.
pub(super) fn required(section: &mut Section<'_>, key: &str, check: Check) -> Secret {
    let secret = match one(section, key, check) {
        One::Set(secret) => secret,
        One::Absent => {
            let (file, variable) = (file_key(key), section.variable(key));
            let message = format!("missing; set it, or {file}, or {variable} in the environment");
            section.wrong(key, &message);
            None
        }
    };
    secret.unwrap_or_else(|| Secret::new(""))
}

/// A secret that may be absent, as `key` or in the file that `key_file` names.
pub(super) fn optional(section: &mut Section<'_>, key: &str, check: Check) -> Option<Secret> {
    match one(section, key, check) {
        One::Set(secret) => secret,
        One::Absent => None,
    }
}

/// What is written of one secret.
enum One {
    /// Something; nothing of it if it is wrong.
    Set(Option<Secret>),
    Absent,
}

fn one(section: &mut Section<'_>, key: &str, check: Check) -> One {
    let file = file_key(key);
    One::Set(match (section.take(key), section.take(&file)) {
        (Some(_), Some(_)) => both(section, key),
        (Some(entry), None) => section.read(key, &entry, |entry| written(entry, check)),
        (None, Some(entry)) => section.read(&file, &entry, |entry| {
            let content = content(entry, key)?;
            checked(
                content.strip_suffix('\n').map_or(&*content, |c| c.strip_suffix('\r').unwrap_or(c)),
                check,
            )
        }),
        (None, None) => return One::Absent,
    })
}

/// Any number of secrets, as the list `key` or as the lines of the file that `key_file` names.
pub(super) fn list(section: &mut Section<'_>, key: &str, check: Check) -> Vec<Secret> {
    let file = file_key(key);
    let Some(entry) = section.take(&file) else {
        return section.list(key, |entry| written(entry, check), Vec::new());
    };
    if section.take(key).is_some() {
        return both(section, key).unwrap_or_default();
    }
    let secrets = section.read(&file, &entry, |entry| {
        let content = content(entry, key)?;
        content.lines().filter(|line| !line.is_empty()).map(|line| checked(line, check)).collect()
    });
    secrets.unwrap_or_default()
}

/// A secret of the provider's: any visible characters.
pub(super) fn visible(text: &str) -> Result<(), String> {
    match text.chars().all(|c| c.is_ascii_graphic()) {
        true => Ok(()),
        false => Err("must be one line of letters, digits and signs, without spaces".to_owned()),
    }
}

/// A token that stands in a URL and cannot be guessed.
pub(super) fn token(text: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if text.len() >= SHORTEST_TOKEN && text.bytes().all(plain) {
        return Ok(());
    }
    Err(format!(
        "must be at least {SHORTEST_TOKEN} characters of A-Z a-z 0-9 - _; `openssl rand -hex 16` makes one"
    ))
}

/// A secret that signs webhooks.
pub(super) fn webhook(text: &str) -> Result<(), String> {
    SigningSecret::parse(text).map(drop).map_err(|error| error.to_string())
}

fn file_key(key: &str) -> String {
    format!("{key}_file")
}

fn both<T>(section: &Section<'_>, key: &str) -> Option<T> {
    let file = file_key(key);
    section.wrong(&file, &format!("is set, and so is {key}; keep one of the two"));
    None
}

fn written(entry: &Entry, check: Check) -> Result<Secret, String> {
    match &entry.value {
        Value::Text(text) | Value::Untyped(text) => checked(text, check),
        _ => Err("must be text in quotes".to_owned()),
    }
}

fn checked(text: &str, check: Check) -> Result<Secret, String> {
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    if text.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} characters"));
    }
    check(text).map(|()| Secret::new(text))
}

fn content(entry: &Entry, key: &str) -> Result<String, String> {
    let path = value::path(entry)?;
    fs::read_to_string(&path).map_err(|error| unreadable(&path, key, &error))
}

fn unreadable(path: &Path, key: &str, error: &std::io::Error) -> String {
    let path = path.display();
    format!(
        "{path} cannot be read: {error}; put the secret there, readable by this service, or set {key}"
    )
}

//! One section of the configuration while it is being read.
//!
//! Reading a key takes it out; what is left at the end is unknown. A bad value is
//! noted and a stand-in returned, so that one pass finds everything wrong; the
//! stand-in is never seen, since a configuration with problems is not handed out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::problem::{Place, Problem};
use super::tree::{Entry, Table, Value, join};
use super::value;

/// The longest name of an account, a prompt or an app.
const LONGEST_NAME: usize = 64;

/// A section, the keys not read yet, and where problems go.
pub(super) struct Section<'a> {
    path: String,
    place: Place,
    left: Table,
    asked: Vec<String>,
    places: BTreeMap<String, Place>,
    problems: &'a RefCell<Vec<Problem>>,
}

impl<'a> Section<'a> {
    /// The whole configuration.
    pub(super) fn root(table: Table, problems: &'a RefCell<Vec<Problem>>) -> Self {
        Self::new(String::new(), Place::Nowhere, table, problems)
    }

    fn new(path: String, place: Place, left: Table, problems: &'a RefCell<Vec<Problem>>) -> Self {
        Self { path, place, left, asked: Vec::new(), places: BTreeMap::new(), problems }
    }

    /// A key that the defaults have, or that was given a value by an earlier check.
    pub(super) fn value<T>(
        &mut self,
        key: &str,
        read: impl Fn(&Entry) -> Result<T, String>,
        stand_in: T,
    ) -> T {
        match self.take(key) {
            Some(entry) => self.read(key, &entry, read).unwrap_or(stand_in),
            None => {
                self.missing(key);
                stand_in
            }
        }
    }

    /// A key that may be absent.
    pub(super) fn optional<T>(
        &mut self,
        key: &str,
        read: impl Fn(&Entry) -> Result<T, String>,
    ) -> Option<T> {
        let entry = self.take(key)?;
        self.read(key, &entry, read)
    }

    /// A duration that the defaults have.
    pub(super) fn duration(&mut self, key: &str, range: RangeInclusive<Duration>) -> Duration {
        self.value(key, value::duration(range), Duration::ZERO)
    }

    /// A list, each item with its own place; absent is `default`.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        read: impl Fn(&Entry) -> Result<T, String>,
        default: Vec<T>,
    ) -> Vec<T> {
        let Some(entry) = self.take(key) else { return default };
        let items = match entry.value {
            Value::List(items) => items,
            Value::Untyped(text) => split(&text, &entry.place),
            _ => {
                self.wrong(key, "must be a list, as in [\"one\", \"two\"]");
                return default;
            }
        };
        items.iter().filter_map(|item| self.read(key, item, &read)).collect()
    }

    /// A section that the defaults have.
    pub(super) fn section<T>(&mut self, key: &str, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
        let (place, table) = match self.take(key) {
            Some(Entry { place, value: Value::Table(table) }) => (place, table),
            _ => (self.place.clone(), Table::new()),
        };
        self.enter(key, place, table, read)
    }

    /// A section that may be absent.
    pub(super) fn optional_section<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> Option<T> {
        let entry = self.take(key)?;
        let Value::Table(table) = entry.value else {
            self.wrong(key, &format!("must be a section, as in [{}]", join(&self.path, key)));
            return None;
        };
        Some(self.enter(key, entry.place, table, read))
    }

    /// A list of sections, as in `steps = [{ … }, { … }]` or `[[plans.login.steps]]`.
    pub(super) fn sections<T>(
        &mut self,
        key: &str,
        read: impl Fn(&mut Section<'_>) -> T,
    ) -> Vec<T> {
        let Some(entry) = self.take(key) else { return Vec::new() };
        let Value::List(items) = entry.value else {
            self.wrong(key, "must be a list of sections, as in [{ … }, { … }]");
            return Vec::new();
        };
        let mut all = Vec::new();
        for item in items {
            match item.value {
                Value::Table(table) => all.push(self.enter(key, item.place, table, &read)),
                _ => self.note(item.place, key, "must be a section, as in { … }"),
            }
        }
        all
    }

    /// Sections under names that the operator chose; an absent key has none.
    pub(super) fn named<T>(
        &mut self,
        key: &str,
        read: impl Fn(&str, &mut Section<'_>) -> T,
    ) -> BTreeMap<String, T> {
        let all = self.optional_section(key, |section| section.each(is_name, NAME_RULE, &read));
        all.unwrap_or_default()
    }

    /// Reads every entry as a section whose name passes `is_valid`, else says `rule`.
    pub(super) fn each<T>(
        &mut self,
        is_valid: fn(&str) -> bool,
        rule: &str,
        read: impl Fn(&str, &mut Section<'_>) -> T,
    ) -> BTreeMap<String, T> {
        let names: Vec<String> = self.left.keys().cloned().collect();
        let mut all = BTreeMap::new();
        for name in names {
            let found = self.optional_section(&name, |section| read(&name, section));
            if !is_valid(&name) {
                self.wrong(&name, rule);
            }
            if let Some(found) = found {
                all.insert(name, found);
            }
        }
        all
    }

    /// Notes what is wrong with a key that was read, or with the section.
    pub(super) fn wrong(&self, key: &str, message: &str) {
        let place = self.places.get(key).unwrap_or(&self.place).clone();
        self.note(place, key, message);
    }

    /// Notes that `key` does not go with `other`, at the one of them that the operator wrote.
    pub(super) fn clash(&self, key: &str, other: &str, message: &str) {
        let places = [key, other].map(|key| self.places.get(key).unwrap_or(&self.place));
        let place = places.into_iter().find(|place| !place.is_default()).unwrap_or(places[0]);
        self.note(place.clone(), key, message);
    }

    /// Takes a key out, remembering its name and place.
    pub(super) fn take(&mut self, key: &str) -> Option<Entry> {
        self.asked.push(key.to_owned());
        let entry = self.left.remove(key)?;
        self.places.insert(key.to_owned(), entry.place.clone());
        Some(entry)
    }

    /// Reads an entry, noting what is wrong with it.
    pub(super) fn read<T>(
        &self,
        key: &str,
        entry: &Entry,
        read: impl Fn(&Entry) -> Result<T, String>,
    ) -> Option<T> {
        read(entry).map_err(|message| self.note(entry.place.clone(), key, &message)).ok()
    }

    /// Notes a key that must be set and is not.
    pub(super) fn missing(&self, key: &str) {
        let variable = self.variable(key);
        self.wrong(key, &format!("missing; set it, or {variable} in the environment"));
    }

    /// The environment's name for a key of this section.
    pub(super) fn variable(&self, key: &str) -> String {
        variable(&join(&self.path, key))
    }

    /// Refuses what nobody read.
    pub(super) fn finish(self) {
        for (key, entry) in &self.left {
            self.note(entry.place.clone(), key, &unknown(key, &self.asked));
        }
    }

    fn enter<T>(
        &self,
        key: &str,
        place: Place,
        table: Table,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        let mut section = Section::new(join(&self.path, key), place, table, self.problems);
        let value = read(&mut section);
        section.finish();
        value
    }

    fn note(&self, place: Place, key: &str, message: &str) {
        let problem = Problem::new(place, join(&self.path, key), message);
        self.problems.borrow_mut().push(problem);
    }
}

/// The variable that sets a dotted key.
pub(super) fn variable(path: &str) -> String {
    format!("RINGPROOF__{}", path.replace('.', "__").to_ascii_uppercase())
}

/// What [`is_name`] asks for.
const NAME_RULE: &str = "a name is 1 to 64 lower-case letters, digits, - and single _, and begins with a letter or digit";

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= LONGEST_NAME
        && !name.contains("__")
        && name.bytes().next().is_some_and(plain)
        && name.bytes().all(|byte| plain(byte) || byte == b'-' || byte == b'_')
}

/// The items of a list in the environment, between commas.
fn split(text: &str, place: &Place) -> Vec<Entry> {
    let item = |text: &str| Entry { place: place.clone(), value: Value::Untyped(text.to_owned()) };
    if text.trim().is_empty() {
        Vec::new()
    } else {
        text.split(',').map(str::trim).map(item).collect()
    }
}

/// Says that nobody knows `key`, and which of `known` may have been meant.
fn unknown(key: &str, known: &[String]) -> String {
    let nearest = known.iter().map(|name| (strsim::damerau_levenshtein(key, name), name)).min();
    match nearest {
        Some((distance, name)) if distance <= 1 + name.len() / 4 => {
            format!("unknown key; did you mean \"{name}\"?")
        }
        _ if known.is_empty() => "unknown key; nothing is set here".to_owned(),
        _ => format!("unknown key; known here: {}", known.join(", ")),
    }
}

//! The layers of the configuration as one tree in which each value knows where it
//! is written.
//!
//! It knows no key: what a key may hold is decided by the sections that read it.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problem};

/// What the environment's variables begin with, in lower case.
const PREFIX: &str = "ringproof__";

/// The entries of a section by name.
pub(super) type Table = BTreeMap<String, Entry>;

/// A value and where it is written.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// A value before its key has said what it should be.
#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    /// From the environment or the command line, where everything is text.
    Untyped(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Entry>),
    Table(Table),
    /// A kind that no key takes, by its name.
    Other(&'static str),
}

/// Reads a TOML document; `place` turns a line number into a place.
pub(super) fn from_toml(text: &str, place: &dyn Fn(usize) -> Place) -> Result<Table, Vec<Problem>> {
    let lines = Lines { text, place };
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(lines.table(document.get_ref()));
    }
    Err(errors
        .iter()
        .map(|error| {
            Problem::new(lines.at(error.span().unwrap_or_default().start), "", error.message())
        })
        .collect())
}

/// Reads the variables that are ours.
pub(super) fn from_environment(variables: impl Iterator<Item = (String, String)>) -> Table {
    let mut ours: Vec<_> = variables
        .filter_map(|(name, value)| {
            let path = name.to_ascii_lowercase().strip_prefix(PREFIX)?.to_owned();
            Some((path, name, value))
        })
        .collect();
    // Parents before their children, and the same order whatever the system's is.
    ours.sort();
    let mut table = Table::new();
    for (path, name, value) in ours {
        let parts: Vec<&str> = path.split("__").collect();
        insert(&mut table, &parts, &Place::Variable(name.into()), value);
    }
    table
}

/// Reads overrides as dotted key and value.
pub(super) fn from_flags(flags: &[(String, String)]) -> Table {
    let mut table = Table::new();
    for (key, value) in flags {
        let parts: Vec<&str> = key.split('.').collect();
        insert(&mut table, &parts, &Place::Flag, value.clone());
    }
    table
}

/// Puts `over` on top of `base`: tables join, everything else is replaced. A table that
/// something else would replace stays, with a problem.
pub(super) fn merge(base: &mut Table, over: Table, problems: &mut Vec<Problem>) {
    merge_at("", base, over, problems);
}

fn merge_at(path: &str, base: &mut Table, over: Table, problems: &mut Vec<Problem>) {
    for (key, entry) in over {
        let Some(Entry { place, value: Value::Table(below) }) = base.get_mut(&key) else {
            base.insert(key, entry);
            continue;
        };
        let path = join(path, &key);
        let Value::Table(above) = entry.value else {
            let message = format!("is a section with keys of its own, as in [{path}]");
            problems.push(Problem::new(entry.place, path, message));
            continue;
        };
        // What is missing is reported where the operator began the section.
        if place.is_default() {
            *place = entry.place;
        }
        merge_at(&path, below, above, problems);
    }
}

/// The dotted key of `key` within the section at `path`; an empty key is the section itself.
pub(super) fn join(path: &str, key: &str) -> String {
    match (path, key) {
        ("", only) | (only, "") => only.to_owned(),
        (path, key) => format!("{path}.{key}"),
    }
}

fn insert(table: &mut Table, path: &[&str], place: &Place, text: String) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        table.insert(
            (*first).to_owned(),
            Entry { place: place.clone(), value: Value::Untyped(text) },
        );
        return;
    }
    let entry = table
        .entry((*first).to_owned())
        .or_insert_with(|| Entry { place: place.clone(), value: Value::Table(Table::new()) });
    if !matches!(entry.value, Value::Table(_)) {
        *entry = Entry { place: place.clone(), value: Value::Table(Table::new()) };
    }
    if let Value::Table(below) = &mut entry.value {
        insert(below, rest, place, text);
    }
}

/// Turns spans of a document into places.
struct Lines<'a> {
    text: &'a str,
    place: &'a dyn Fn(usize) -> Place,
}

impl Lines<'_> {
    fn at(&self, offset: usize) -> Place {
        (self.place)(line_of(self.text.as_bytes(), offset))
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let place = self.at(key.span().start);
            let key: &std::borrow::Cow<'_, str> = key.get_ref();
            (key.to_string(), Entry { place, value: self.value(value.get_ref()) })
        };
        table.iter().map(entry).collect()
    }

    fn value(&self, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Value::Other("a very large number"), Value::Integer),
            DeValue::Float(_) => Value::Other("a fraction"),
            DeValue::Boolean(boolean) => Value::Boolean(*boolean),
            DeValue::Datetime(_) => Value::Other("a date"),
            DeValue::Array(items) => Value::List(
                items
                    .iter()
                    .map(|item| Entry {
                        place: self.at(item.span().start),
                        value: self.value(item.get_ref()),
                    })
                    .collect(),
            ),
            DeValue::Table(table) => Value::Table(self.table(table)),
        }
    }
}

/// The line, counted from 1, in which the byte at `offset` stands.
pub(super) fn line_of(text: &[u8], offset: usize) -> usize {
    1 + text.iter().take(offset).filter(|byte| **byte == b'\n').count()
}

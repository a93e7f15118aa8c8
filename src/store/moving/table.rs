//! What a table is to the copy, and what of the source has no place in the target.

/// A table of the target.
pub(in crate::store) struct Table {
    pub(in crate::store) name: &'static str,
    /// What its rows are selected from in the source.
    pub(in crate::store) from: &'static str,
    /// Its columns; the source calls them alike.
    pub(in crate::store) columns: &'static [(&'static str, Kind)],
    /// How many of them, from the first, are its key, by which it is read on both sides.
    pub(in crate::store) key: usize,
}

/// The type of a column in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    Int2,
    Int4,
    Int8,
    /// A number in the source.
    Flag,
    Id,
    Text,
    /// Text in the source, bytes in the target, which takes any character so.
    TextAsBytes,
    Bytes,
}

impl Table {
    /// The names of its columns, as a statement lists them.
    pub(in crate::store) fn column_list(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The columns of its key.
    pub(in crate::store) fn keys(&self) -> &'static [(&'static str, Kind)] {
        &self.columns[..self.key]
    }
}

/// Columns of the source that have no place in the target, each with the reason.
#[cfg(test)]
pub(in crate::store) const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("verifications", "journaled", "begins a chain of rows; the target has an index instead"),
    ("journal", "previous", "links that chain"),
    ("audit_head", "only", "keeps the table at one row"),
    ("refinery_schema_history", "version", "each schema has a history of its own"),
    ("refinery_schema_history", "name", "each schema has a history of its own"),
    ("refinery_schema_history", "applied_on", "each schema has a history of its own"),
    ("refinery_schema_history", "checksum", "each schema has a history of its own"),
];

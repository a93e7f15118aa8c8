//! The keys at the top: `store` and `secret_key_file`.

use std::path::PathBuf;

use super::section::Section;
use super::tree::Entry;
use super::value;

/// Where verifications and the server's key are kept.
#[derive(Clone, Debug)]
pub struct Store {
    /// Which store.
    pub url: StoreUrl,
    /// The file of the server's key; `None` is a file beside the store.
    pub secret_key_file: Option<PathBuf>,
}

/// The stores there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// The embedded store, in this file.
    Sqlite(PathBuf),
}

impl Store {
    pub(super) fn read(root: &mut Section<'_>) -> Self {
        Self {
            url: root.value("store", store_url, StoreUrl::Sqlite(PathBuf::new())),
            secret_key_file: root.optional("secret_key_file", value::path),
        }
    }
}

fn store_url(entry: &Entry) -> Result<StoreUrl, String> {
    let text = value::text(entry)?;
    let wrong = || "must be \"sqlite://\" and a path, such as \"sqlite://ringproof.db\"".to_owned();
    match text.split_once("://") {
        Some(("sqlite", path)) if path.is_empty() || path.ends_with('/') => Err(wrong()),
        Some(("sqlite", path)) => Ok(StoreUrl::Sqlite(value::resolve(&entry.place, path.into()))),
        // Such a URL may hold a password and is not repeated.
        Some(("postgres" | "postgresql", _)) => {
            Err("PostgreSQL is not supported yet; use \"sqlite://ringproof.db\"".to_owned())
        }
        _ => Err(wrong()),
    }
}

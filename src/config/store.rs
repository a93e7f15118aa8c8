//! The keys at the top: `store` and `secret_key_file`.

use std::path::PathBuf;

use crate::domain::Secret;

use super::section::Section;
use super::tree::Entry;
use super::value;

/// Where verifications and the server's key are kept.
#[derive(Clone, Debug)]
pub struct Store {
    /// Which store.
    pub url: StoreUrl,
    /// The file of the server keys; `None` is a file beside the store.
    pub secret_key_file: Option<PathBuf>,
}

/// The stores there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// The embedded store, in this file.
    Sqlite(PathBuf),
    /// PostgreSQL at this URL, which may hold a password.
    Postgres(Secret),
}

impl Store {
    pub(super) fn read(root: &mut Section<'_>) -> Self {
        let url = root.value("store", store_url, StoreUrl::Sqlite(PathBuf::new()));
        let secret_key_file = root.optional("secret_key_file", value::path);
        if matches!(url, StoreUrl::Postgres(_)) && secret_key_file.is_none() {
            root.wrong("store", KEY_NEEDED);
        }
        Self { url, secret_key_file }
    }
}

/// Several replicas need the same key, so none of them makes one.
const KEY_NEEDED: &str = "PostgreSQL needs secret_key_file, the same on all replicas; `openssl rand -hex 32` makes its content";

fn store_url(entry: &Entry) -> Result<StoreUrl, String> {
    match StoreUrl::parse(&value::text(entry)?)? {
        StoreUrl::Sqlite(path) => Ok(StoreUrl::Sqlite(value::resolve(&entry.place, path))),
        other @ StoreUrl::Postgres(_) => Ok(other),
    }
}

impl StoreUrl {
    /// Reads a URL; a path in it is taken as it is.
    ///
    /// # Errors
    /// What it must be. A URL that may hold a password is not repeated.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            "must be \"sqlite://\" and a path, or \"postgres://\", a server and a database, such as \"sqlite://ringproof.db\" or \"postgres://ringproof@db.example.com/ringproof\"".to_owned()
        };
        match text.split_once("://") {
            Some(("sqlite", path)) if path.is_empty() || path.ends_with('/') => Err(wrong()),
            Some(("sqlite", path)) => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", rest)) => {
                match rest.contains('/') && rest.bytes().all(|byte| byte.is_ascii_graphic()) {
                    true => Ok(Self::Postgres(Secret::new(text))),
                    false => {
                        Err(format!("{}; what is special in a password is written as %XX", wrong()))
                    }
                }
            }
            _ => Err(wrong()),
        }
    }
}

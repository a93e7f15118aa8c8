//! The server key's file: 64 hexadecimal digits, readable by its owner only; further lines
//! hold the keys before.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};

use crate::config::{self, StoreUrl};
use crate::store::ServerKeys;

/// Reads the keys from `secret_key_file`, or from beside the store's file, where the
/// first start makes it.
pub(super) fn load(config: &config::Store) -> anyhow::Result<ServerKeys> {
    match (&config.secret_key_file, &config.url) {
        (Some(path), _) => read(path),
        (None, StoreUrl::Sqlite(store)) => {
            let path = beside(store);
            match read(&path) {
                Err(error) if is_missing(&error) => create(&path),
                result => result,
            }
        }
        (None, StoreUrl::Postgres(_)) => bail!("PostgreSQL needs secret_key_file"),
    }
}

/// Where the key is unless the configuration says.
#[must_use]
pub fn beside(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(".key");
    store.with_file_name(name)
}

/// Reads the keys of a file.
///
/// # Errors
/// When the file cannot be read, or holds something else.
pub fn read(path: &Path) -> anyhow::Result<ServerKeys> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("while reading the server key {}", path.display()))?;
    let wrong = |error| {
        anyhow!(
            "the server key {}: {error}; a key is a line of 64 hexadecimal digits, the newest \
             first; restore the file from where you keep it",
            path.display()
        )
    };
    ServerKeys::parse(&text).map_err(wrong)
}

/// Whole or not at all: written beside its place, then linked into it, which
/// fails if another process was first.
fn create(path: &Path) -> anyhow::Result<ServerKeys> {
    let key: [u8; 32] = rand::random();
    let context = || format!("while making the server key {}", path.display());
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Made with mode 0600, and removed when it is dropped.
    let mut draft = tempfile::NamedTempFile::new_in(folder).with_context(context)?;
    writeln!(draft, "{}", const_hex::encode(key)).with_context(context)?;
    draft.as_file().sync_all().with_context(context)?;
    fs::hard_link(draft.path(), path).with_context(context)?;
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(context)?;
    tracing::info!(path = %path.display(), "made a server key at {}; keep a copy apart from the store's backups", path.display());
    Ok(ServerKeys::one(key))
}

fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::NotFound)
}

//! The server key's file: 64 hexadecimal digits, readable by its owner only.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::config::{self, StoreUrl};
use crate::service::ServerKey;

/// Reads the key from `secret_key_file`, or from beside the store's file, where the
/// first start makes it.
pub(super) fn load(config: &config::Store) -> anyhow::Result<ServerKey> {
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

/// What tells the key in a file from every other, and nothing of the key.
///
/// # Errors
/// When the file cannot be read, or holds no key.
pub fn fingerprint(path: &Path) -> anyhow::Result<[u8; 32]> {
    read(path).map(|key| key.fingerprint())
}

fn read(path: &Path) -> anyhow::Result<ServerKey> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("while reading the server key {}", path.display()))?;
    let mut bytes = [0; 32];
    if const_hex::decode_to_slice(text.trim(), &mut bytes).is_err() {
        bail!(
            "the server key {} is not 64 hexadecimal digits; restore it from where you keep it",
            path.display()
        );
    }
    Ok(ServerKey::new(bytes))
}

/// Whole or not at all: written beside its place, then linked into it, which
/// fails if another process was first.
fn create(path: &Path) -> anyhow::Result<ServerKey> {
    let key = ServerKey::random();
    let context = || format!("while making the server key {}", path.display());
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Made with mode 0600, and removed when it is dropped.
    let mut draft = tempfile::NamedTempFile::new_in(folder).with_context(context)?;
    writeln!(draft, "{}", const_hex::encode(key.as_bytes())).with_context(context)?;
    draft.as_file().sync_all().with_context(context)?;
    fs::hard_link(draft.path(), path).with_context(context)?;
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(context)?;
    tracing::info!(path = %path.display(), "made a server key at {}; keep a copy apart from the store's backups", path.display());
    Ok(key)
}

fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::NotFound)
}

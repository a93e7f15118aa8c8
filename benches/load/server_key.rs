//! The server keys of a folder, which open its store's key.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use ringproof::store::ServerKeys;

pub fn read(path: &Path) -> Result<ServerKeys> {
    let text = fs::read_to_string(path).context("while reading the server key")?;
    Ok(ServerKeys::parse(&text)?)
}

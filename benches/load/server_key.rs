//! The server key of a folder, which codes and look-ups are made with.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use ringproof::service::ServerKey;

pub fn read(path: &Path) -> Result<ServerKey> {
    let text = fs::read_to_string(path).context("while reading the server key")?;
    let mut bytes = [0; 32];
    const_hex::decode_to_slice(text.trim(), &mut bytes)?;
    Ok(ServerKey::new(bytes))
}

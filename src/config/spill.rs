//! The section `[spill]`.

use std::path::PathBuf;

use super::section::Section;
use super::tree::Entry;
use super::value;

/// The least that a spill may hold: a few hundred notifications.
const LEAST_BYTES: u64 = 1024 * 1024;
/// The most: it is applied before anything expires.
const MOST_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// Where notifications are kept while the store is away.
#[derive(Clone, Debug)]
pub struct Spill {
    /// The folder; `None` is one beside the store.
    pub folder: Option<PathBuf>,
    /// How many bytes it may come to hold.
    pub max_size: u64,
}

impl Spill {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            folder: section.optional("folder", value::path),
            max_size: section.value("max_size", size, 0),
        }
    }
}

/// A number of bytes with its unit.
fn size(entry: &Entry) -> Result<u64, String> {
    let wrong = || "must be a size from 1MiB to 16GiB, such as \"64MiB\"".to_owned();
    let text = value::text(entry)?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim() {
        "KiB" => 1024,
        "MiB" => 1024 * 1024,
        "GiB" => 1024 * 1024 * 1024,
        _ => return Err(wrong()),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    bytes.filter(|bytes| (LEAST_BYTES..=MOST_BYTES).contains(bytes)).ok_or_else(wrong)
}

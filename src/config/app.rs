//! The sections `[apps.NAME]`.

use super::section::Section;
use super::value;

/// Settings of an app.
#[derive(Clone, Debug)]
pub struct App {
    /// Web pages that may wait with a token, as browsers write their origin.
    pub allowed_origins: Vec<String>,
}

impl App {
    pub(super) fn read(_name: &str, section: &mut Section<'_>) -> Self {
        Self { allowed_origins: section.list("allowed_origins", value::origin, Vec::new()) }
    }
}

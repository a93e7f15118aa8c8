//! What is wrong with the configuration, and where it is written.
//!
//! A problem names the place that has to be changed, since four layers may set
//! one key. It never shows a value that may be secret.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name under which the compiled-in defaults appear.
pub(super) const EXAMPLE_NAME: &str = "config.example.toml";

/// Something wrong with the configuration, in words for the operator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    place: Place,
    key: String,
    message: String,
}

/// Where a value is written. Ordered as problems are reported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A line of the compiled-in defaults.
    Default { line: usize },
    /// The file as a whole.
    File(Arc<PathBuf>),
    /// A line of the file.
    Line { file: Arc<PathBuf>, line: usize },
    /// A variable of the environment, as it is spelled there.
    Variable(Arc<str>),
    /// An override from the command line.
    Flag,
    /// Nowhere: what is missing is not expected at one certain place.
    Nowhere,
}

impl Problem {
    pub(super) fn new(place: Place, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place, key: key.into(), message: message.into() }
    }
}

impl Place {
    /// The folder that relative paths written here start from; `None` is the working directory.
    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Self::File(file) | Self::Line { file, .. } => file.parent(),
            Self::Default { .. } | Self::Variable(_) | Self::Flag | Self::Nowhere => None,
        }
    }

    /// Whether this is in the defaults, which no operator wrote.
    pub(super) fn is_default(&self) -> bool {
        matches!(self, Self::Default { .. })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Nowhere => {}
            place => write!(f, "{place}: ")?,
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default { line } => write!(f, "{EXAMPLE_NAME}:{line}"),
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Line { file, line } => write!(f, "{}:{line}", file.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag => f.write_str("command line"),
            Self::Nowhere => f.write_str("configuration"),
        }
    }
}

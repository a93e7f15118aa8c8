//! The section `[log]`.

use std::str::FromStr;

use tracing_subscriber::EnvFilter;

use super::section::Section;
use super::tree::Entry;
use super::value;

/// How and what is logged.
#[derive(Clone, Debug)]
pub struct Log {
    /// For whom.
    pub format: LogFormat,
    /// The filter, known to be valid.
    pub level: String,
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Log {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            format: section.value("format", value::parsed, LogFormat::Text),
            level: section.value("level", level, String::new()),
        }
    }
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("must be \"text\" or \"json\", but is {text:?}")),
        }
    }
}

fn level(entry: &Entry) -> Result<String, String> {
    let text = value::text(entry)?;
    let wrong = || {
        format!(
            "must be error, warn, info, debug or trace, also by part as in \"info,ringproof::intake=debug\", but is {text:?}"
        )
    };
    let directive = |part: &str| {
        let level = part.rsplit('=').next().unwrap_or(part);
        level.parse::<tracing_subscriber::filter::LevelFilter>().is_ok()
    };
    // The filter itself takes any word for the name of a part.
    if !text.split(',').all(directive) || EnvFilter::builder().parse(&text).is_err() {
        return Err(wrong());
    }
    Ok(text)
}

//! How long a client wants to wait: `Prefer: wait=N` (RFC 7240) or `?wait=N`.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::http::error::Code;
use crate::http::problem::Problem;

/// How long polls may wait.
#[derive(Clone, Copy, Debug)]
pub struct WaitLimits {
    /// The wait of a poll that names none, as in `Prefer: wait`.
    pub default_wait: Duration,
    /// The longest wait.
    pub max_wait: Duration,
}

/// A wait that was asked for, within the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// How long.
    pub longest: Duration,
    /// Whether the header asked, which wants to know what was applied.
    by_header: bool,
}

impl Wait {
    /// The header that tells what was applied.
    #[must_use]
    pub fn applied(&self) -> Option<(HeaderName, HeaderValue)> {
        let text = format!("wait={}", self.longest.as_secs());
        let value = HeaderValue::try_from(text).ok().filter(|_| self.by_header)?;
        Some((HeaderName::from_static("preference-applied"), value))
    }
}

/// The wait that a request asks for; the query outranks the header.
///
/// # Errors
/// When it is no number of seconds.
pub fn wait_of(
    headers: &HeaderMap,
    query: Option<&str>,
    limits: &WaitLimits,
) -> Result<Option<Wait>, Problem> {
    let max = limits.max_wait.as_secs();
    let detail = format!("\"wait\" is a whole number of seconds from 0 to {max}.");
    let lines = headers.get_all("prefer").filter_map(|value| value.to_str().ok());
    let (text, by_header) = match (query, prefer_wait(lines)) {
        (Some(text), _) => (text.to_owned(), false),
        (None, Some(text)) => (text, true),
        (None, None) => return Ok(None),
    };
    let longest = match text.as_str() {
        "" => limits.default_wait,
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            Duration::from_secs(digits.parse().unwrap_or(u64::MAX))
        }
        _ if by_header => {
            return Err(Problem::new(Code::InvalidHeader, detail).with("header", "Prefer"));
        }
        _ => return Err(Problem::field(Code::InvalidParameter, "wait", detail).with("limit", max)),
    };
    Ok(Some(Wait { longest: longest.min(limits.max_wait), by_header }))
}

/// The value of the first `wait` among the preferences; empty when it has none.
fn prefer_wait<'a>(lines: impl Iterator<Item = &'a str>) -> Option<String> {
    for line in lines {
        for preference in split_outside_quotes(line, ',') {
            let named = split_outside_quotes(preference, ';').next().unwrap_or_default();
            let (name, value) = named.split_once('=').unwrap_or((named, ""));
            if name.trim().eq_ignore_ascii_case("wait") {
                return Some(value.trim().trim_matches('"').to_owned());
            }
        }
    }
    None
}

fn split_outside_quotes(text: &str, at: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        let was_escaped = std::mem::take(&mut escaped);
        match c {
            '\\' if quoted && !was_escaped => escaped = true,
            '"' if !was_escaped => quoted = !quoted,
            _ => {}
        }
        c == at && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: WaitLimits =
        WaitLimits { default_wait: Duration::from_secs(30), max_wait: Duration::from_secs(60) };

    #[test]
    fn preferences_are_read_as_the_rfc_writes_them() {
        for (lines, wait) in [
            (vec!["wait=10"], Some("10")),
            (vec!["Wait = 10"], Some("10")),
            (vec!["respond-async, wait=10"], Some("10")),
            (vec!["respond-async", "wait=10"], Some("10")),
            (vec!["wait=10; note=\"a, wait=5\", wait=20"], Some("10")),
            (vec!["x=\"a, wait=5\""], None),
            (vec!["x=\"a\\\", wait=5\""], None),
            (vec!["wait=\"10\""], Some("10")),
            (vec!["wait"], Some("")),
            (vec!["return=minimal"], None),
            (vec![], None),
        ] {
            assert_eq!(prefer_wait(lines.iter().copied()).as_deref(), wait, "{lines:?}");
        }
    }

    #[test]
    fn a_wait_is_capped_and_its_header_says_so() {
        let wait = |prefer: &'static str, query| {
            let mut headers = HeaderMap::new();
            if !prefer.is_empty() {
                headers.insert(HeaderName::from_static("prefer"), HeaderValue::from_static(prefer));
            }
            wait_of(&headers, query, &LIMITS)
        };
        let header = |wait: Option<Wait>| wait.unwrap().applied().map(|(_, value)| value);
        assert_eq!(header(wait("wait=500", None).unwrap()).unwrap(), "wait=60");
        assert_eq!(header(wait("wait=99999999999999999999", None).unwrap()).unwrap(), "wait=60");
        assert_eq!(header(wait("wait", None).unwrap()).unwrap(), "wait=30");
        assert_eq!(header(wait("wait=5", Some("7")).unwrap()), None);
        assert_eq!(wait("", Some("7")).unwrap().unwrap().longest, Duration::from_secs(7));
        assert_eq!(wait("", None).unwrap(), None);
        assert!(wait("wait=-1", None).is_err());
        assert!(wait("", Some("soon")).is_err());
    }
}

//! From what is written to types: text, numbers, durations, addresses.
//!
//! Each function says what would be right, since its message stands alone beside
//! the key. None of them is used for secrets, so a message may repeat the value.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::problem::Place;
use super::tree::{Entry, Value};

/// Units of a duration, longest first.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Text that is not empty.
pub(super) fn text(entry: &Entry) -> Result<String, String> {
    match &entry.value {
        Value::Text(text) | Value::Untyped(text) if text.trim().is_empty() => {
            Err("must not be empty".to_owned())
        }
        Value::Text(text) | Value::Untyped(text) => Ok(text.clone()),
        other => Err(format!("must be text in quotes, but is {}", kind(other))),
    }
}

/// Text of visible ASCII characters.
pub(super) fn word(entry: &Entry) -> Result<String, String> {
    let text = text(entry)?;
    match text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(text),
        false => Err("must be one line of letters, digits and signs, without spaces".to_owned()),
    }
}

/// Text of a kind that says itself what is wrong.
pub(super) fn parsed<T: FromStr<Err = String>>(entry: &Entry) -> Result<T, String> {
    text(entry)?.parse()
}

/// `true` or `false`.
pub(super) fn boolean(entry: &Entry) -> Result<bool, String> {
    match &entry.value {
        Value::Boolean(boolean) => Ok(*boolean),
        Value::Untyped(text) => match text.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("must be true or false, but is {text:?}")),
        },
        other => Err(format!("must be true or false, but is {}", kind(other))),
    }
}

/// A whole number within `range`.
pub(super) fn number<T>(range: RangeInclusive<T>) -> impl Fn(&Entry) -> Result<T, String>
where
    T: TryFrom<i64> + PartialOrd + Display,
{
    move |entry| {
        let (from, to) = (range.start(), range.end());
        let wrong =
            |what: &str| format!("must be a whole number from {from} to {to}, but is {what}");
        let number = match &entry.value {
            Value::Integer(number) => *number,
            Value::Untyped(text) => text.parse().map_err(|_| wrong(&format!("{text:?}")))?,
            other => return Err(wrong(kind(other))),
        };
        T::try_from(number)
            .ok()
            .filter(|value| range.contains(value))
            .ok_or_else(|| wrong(&number.to_string()))
    }
}

/// A duration with its unit, within `range`.
pub(super) fn duration(
    range: RangeInclusive<Duration>,
) -> impl Fn(&Entry) -> Result<Duration, String> {
    move |entry| {
        let text = match &entry.value {
            Value::Integer(number) => number.to_string(),
            Value::Text(text) | Value::Untyped(text) => text.clone(),
            other => {
                return Err(format!("must be a duration, such as \"30s\", but is {}", kind(other)));
            }
        };
        let value = parse_duration(&text)?;
        if range.contains(&value) {
            return Ok(value);
        }
        let (from, to) = (show_duration(*range.start()), show_duration(*range.end()));
        Err(format!("must be from {from} to {to}, but is {text}"))
    }
}

/// A path; a relative one in a file starts at the file's folder.
pub(super) fn path(entry: &Entry) -> Result<PathBuf, String> {
    text(entry).map(|path| resolve(&entry.place, path.into()))
}

/// `path` as meant by who wrote it at `place`.
pub(super) fn resolve(place: &Place, path: PathBuf) -> PathBuf {
    match place.folder() {
        Some(folder) => folder.join(path),
        None => path,
    }
}

/// An address with a port.
pub(super) fn socket_address(entry: &Entry) -> Result<SocketAddr, String> {
    let text = text(entry)?;
    text.parse().map_err(|_| {
        format!("must be an address and a port, such as \"127.0.0.1:8080\" or \"[::]:8080\", but is {text:?}")
    })
}

/// An origin without a path: https, or http on loopback. A `/` at the end is dropped.
pub(super) fn base_url(entry: &Entry) -> Result<String, String> {
    let text = text(entry)?;
    check_origin(text.strip_suffix('/').unwrap_or(&text))
}

/// As [`base_url`], with a path allowed for services behind one.
pub(super) fn public_url(entry: &Entry) -> Result<String, String> {
    let text = text(entry)?;
    let text = text.trim_end_matches('/');
    let start = text.find("://").map_or(0, |at| at + 3);
    let (origin, path) = match text[start..].find('/') {
        Some(slash) => text.split_at(start + slash),
        None => (text, ""),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    if !path.bytes().all(plain) {
        return Err(format!("the path of {text:?} may hold letters, digits and - . _ ~ / only"));
    }
    check_origin(origin).map(|origin| origin + path)
}

/// An origin as a browser sends it.
pub(super) fn origin(entry: &Entry) -> Result<String, String> {
    let origin = check_origin(&text(entry)?)?;
    let port = if origin.starts_with("https:") { ":443" } else { ":80" };
    match origin.strip_suffix(port) {
        Some(bare) => Err(format!("browsers leave out the usual port; write {bare:?}")),
        None => Ok(origin),
    }
}

/// Digits, `from` to `to` of them.
pub(super) fn digits(from: usize, to: usize) -> impl Fn(&Entry) -> Result<String, String> {
    move |entry| {
        let text = text(entry)?;
        if (from..=to).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(text);
        }
        Err(format!("must be {from} to {to} digits, but is {text:?}"))
    }
}

/// An international number as its digits; a leading + is dropped.
pub(super) fn phone_digits(entry: &Entry) -> Result<String, String> {
    let text = text(entry)?;
    let bare = text.strip_prefix('+').unwrap_or(&text);
    let international = (7..=15).contains(&bare.len())
        && !bare.starts_with('0')
        && bare.bytes().all(|byte| byte.is_ascii_digit());
    if international {
        Ok(bare.to_owned())
    } else {
        Err(format!(
            "must be a number in international form, such as \"+442030000000\", but is {text:?}"
        ))
    }
}

/// A duration as it is written in the file.
pub(super) fn show_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let exact = UNITS.iter().find(|(_, size)| millis >= *size && millis.is_multiple_of(*size));
    match exact {
        Some((unit, size)) => format!("{}{unit}", millis / size),
        None => "0s".to_owned(),
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "must be a duration, such as \"250ms\", \"30s\", \"10m\", \"72h\" or \"30d\", but is {text:?}"
        )
    };
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if unit.is_empty() && !number.is_empty() {
        return Err(format!("needs a unit: ms, s, m, h or d, as in \"{number}s\""));
    }
    let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(*size).map(Duration::from_millis).ok_or_else(wrong)
}

/// Checks `scheme://host[:port]` and returns it in lower case.
fn check_origin(text: &str) -> Result<String, String> {
    let wrong = || format!("must be an address such as \"https://example.com\", but is {text:?}");
    let lower = text.to_ascii_lowercase();
    let (scheme, rest) = lower.split_once("://").ok_or_else(wrong)?;
    let (host, port) = split_port(rest);
    if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) || !is_host(host)
    {
        return Err(wrong());
    }
    match scheme {
        "https" => Ok(lower),
        "http" if is_loopback(host) => Ok(lower),
        "http" => Err(format!(
            "{text:?} is unencrypted; http is allowed on loopback only, so write https"
        )),
        _ => Err(wrong()),
    }
}

fn split_port(rest: &str) -> (&str, Option<&str>) {
    match rest.rsplit_once(':') {
        // The colons inside an IPv6 address in brackets are none of a port.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    }
}

fn is_host(host: &str) -> bool {
    match bracketed(host) {
        Some(inner) => matches!(inner.parse(), Ok(IpAddr::V6(_))),
        None => {
            !host.is_empty()
                && !host.starts_with(['.', '-'])
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let address = bracketed(host).unwrap_or(host).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

fn bracketed(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Text(_) | Value::Untyped(_) => "text",
        Value::Integer(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::List(_) => "a list",
        Value::Table(_) => "a section",
        Value::Other(kind) => kind,
    }
}

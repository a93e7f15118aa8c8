//! Form encoding as PHP does it, since the server rebuilds the signed text with
//! PHP's rules whatever the client sent.
//!
//! `url` and `serde_urlencoded` leave `*` unescaped and keep the caller's order;
//! hence an encoder of our own. Decoding is as lenient as PHP's.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Parameters of a request, encoded as `http_build_query` with RFC 1738 escapes.
///
/// ```
/// let params = ringproof::zadarma::form::Params::new().text("to", "+380999999999");
/// assert_eq!(params.query(), "to=%2B380999999999");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(BTreeMap<String, Value>);

/// A parameter's value. Lists and maps keep their own order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text; numbers and toggles are sent as text too.
    Text(String),
    /// `name[0]=…&name[1]=…`.
    List(Vec<Value>),
    /// `name[key]=…`.
    Map(Vec<(String, Value)>),
}

impl Params {
    /// No parameters yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a text parameter. An empty text is kept as `name=`.
    #[must_use]
    pub fn text(self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.value(name, Value::Text(text.into()))
    }

    /// Sets a parameter of any kind, replacing an earlier one of that name.
    #[must_use]
    pub fn value(mut self, name: impl Into<String>, value: Value) -> Self {
        self.0.insert(name.into(), value);
        self
    }

    /// The encoded text, top-level names sorted by byte: sign exactly this and send exactly this.
    #[must_use]
    pub fn query(&self) -> String {
        let mut query = String::new();
        for (name, value) in &self.0 {
            append(&mut query, name, value);
        }
        query
    }

    /// The top-level text parameters, for the text parts of a multipart body.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| match value {
            Value::Text(text) => Some((name.as_str(), text.as_str())),
            Value::List(_) | Value::Map(_) => None,
        })
    }
}

/// The text that the server signs, rebuilt from the fields it decoded.
///
/// Top-level names are sorted by byte, the members of one name keep their order,
/// and of a repeated name the last value counts, as in PHP's `$_POST`.
#[must_use]
pub fn rebuild(fields: &[(String, String)]) -> String {
    let mut kept: Vec<(&str, &str)> = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        match kept.iter_mut().find(|(known, _)| known == name) {
            Some(earlier) => earlier.1 = value,
            None => kept.push((name, value)),
        }
    }
    kept.sort_by_key(|(name, _)| name.split('[').next().unwrap_or_default());
    let mut query = String::new();
    for (name, value) in kept {
        append_text(&mut query, name, value);
    }
    query
}

/// Encodes fields in their given order, as a form body.
#[must_use]
pub fn encode<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        append_text(&mut body, name, value);
    }
    body
}

/// A field that is not UTF-8 after decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a form field is not UTF-8")]
pub struct NotUtf8;

/// The fields of a form body or query in their order, borrowed where nothing is escaped.
pub fn decode(body: &[u8]) -> impl Iterator<Item = Result<(Cow<'_, str>, Cow<'_, str>), NotUtf8>> {
    body.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()).map(|piece| {
        let cut = piece.iter().position(|byte| *byte == b'=');
        let (name, value) = match cut {
            Some(cut) => (&piece[..cut], &piece[cut + 1..]),
            None => (piece, &[][..]),
        };
        Ok((unescape(name)?, unescape(value)?))
    })
}

fn append(query: &mut String, name: &str, value: &Value) {
    match value {
        Value::Text(text) => append_text(query, name, text),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                append(query, &format!("{name}[{index}]"), item);
            }
        }
        Value::Map(members) => {
            for (key, member) in members {
                append(query, &format!("{name}[{key}]"), member);
            }
        }
    }
}

fn append_text(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    escape(query, name);
    query.push('=');
    escape(query, value);
}

fn escape(query: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                query.push(char::from(byte));
            }
            b' ' => query.push('+'),
            other => write!(query, "%{other:02X}").expect("writing to a String cannot fail"),
        }
    }
}

/// A percent sign that no two hex digits follow stands for itself, as in PHP.
fn unescape(bytes: &[u8]) -> Result<Cow<'_, str>, NotUtf8> {
    if !bytes.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| NotUtf8);
    }
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = after;
        plain.push(match first {
            b'+' => b' ',
            b'%' => match after {
                [high, low, after @ ..] if let Some(byte) = hex_pair(*high, *low) => {
                    rest = after;
                    byte
                }
                _ => b'%',
            },
            other => *other,
        });
    }
    String::from_utf8(plain).map(Cow::Owned).map_err(|_| NotUtf8)
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

//! Reads JSON and query values into wire types, and knows which field is wrong.
//!
//! A deserializer over `serde_json::Value` whose error carries the path. Serde
//! calls the error's own constructors for unknown and missing fields, so that
//! nobody has to read them out of a message.

use std::fmt;

use serde::de::value::StringDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde_json::Value;

/// What is wrong with one field.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The path of the field, as in `sounds.greeting`.
    pub field: String,
    /// What is wrong with it.
    pub kind: FaultKind,
}

/// What is wrong with a field.
#[derive(Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// There is no such field; there are these.
    Unknown(&'static [&'static str]),
    /// It is required.
    Missing,
    /// Its value is wrong.
    Wrong(String),
}

/// Reads `value` into a wire type.
///
/// # Errors
/// The first fault.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, Fault> {
    T::deserialize(Reader(value))
}

/// The known name that `name` was probably meant to be.
fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let scored = known.iter().map(|known| (strsim::damerau_levenshtein(name, known), *known));
    scored
        .min()
        .filter(|(distance, _)| *distance <= name.len().max(3) / 3 + 1)
        .map(|(_, known)| known)
}

/// The sentence about a name that nobody knows.
#[must_use]
pub fn unknown(what: &str, path: &str, name: &str, known: &[&'static str]) -> String {
    match nearest(name, known) {
        Some(nearest) => format!("There is no {what} {path:?}; did you mean {nearest:?}?"),
        None if known.is_empty() => format!("There is no {what} {path:?}; there are none here."),
        None => format!("There is no {what} {path:?}; there are: {}.", known.join(", ")),
    }
}

impl Fault {
    fn new(field: &str, kind: FaultKind) -> Self {
        Self { field: field.to_owned(), kind }
    }

    /// The same within `parent`.
    #[must_use]
    pub fn under(mut self, parent: &str) -> Self {
        self.field = match self.field.as_str() {
            "" => parent.to_owned(),
            field => format!("{parent}.{field}"),
        };
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            FaultKind::Unknown(_) => write!(f, "unknown field {}", self.field),
            FaultKind::Missing => write!(f, "missing field {}", self.field),
            FaultKind::Wrong(message) => write!(f, "{}: {message}", self.field),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new("", FaultKind::Wrong(message.to_string()))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(field, FaultKind::Unknown(expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(field, FaultKind::Missing)
    }
}

struct Reader(Value);

impl<'de> Deserializer<'de> for Reader {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::String(value) => visitor.visit_string(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter(), 0)),
            Value::Object(members) => {
                visitor.visit_map(Members { rest: members.into_iter(), current: None })
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Members {
    rest: serde_json::map::IntoIter,
    current: Option<(String, Value)>,
}

impl<'de> de::MapAccess<'de> for Members {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.current = self.rest.next();
        let Some((name, _)) = &self.current else { return Ok(None) };
        let name: StringDeserializer<Fault> = name.clone().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (name, value) = self.current.take().unwrap_or_default();
        seed.deserialize(Reader(value)).map_err(|fault| fault.under(&name))
    }
}

struct Items(std::vec::IntoIter<Value>, usize);

impl<'de> de::SeqAccess<'de> for Items {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some(value) = self.0.next() else { return Ok(None) };
        let place = self.1.to_string();
        self.1 += 1;
        seed.deserialize(Reader(value)).map(Some).map_err(|fault| fault.under(&place))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        to: String,
        count: Option<u32>,
        inner: Option<Inner>,
        list: Option<Vec<String>>,
        any: Option<serde_json::Map<String, Value>>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        a: String,
    }

    fn fault(value: Value) -> Fault {
        read::<Outer>(value).unwrap_err()
    }

    #[test]
    fn what_is_right_is_read() {
        let value = json!({"to": "x", "count": null, "inner": {"a": "b"}, "any": {"deep": [1, {"x": 2.5}]}});
        let outer: Outer = read(value).unwrap();
        assert_eq!(outer.inner.unwrap().a, "b");
        assert_eq!(Value::from(outer.any.unwrap()), json!({"deep": [1, {"x": 2.5}]}));
    }

    #[test]
    fn faults_name_their_field() {
        assert_eq!(fault(json!({})), Fault::new("to", FaultKind::Missing));
        assert_eq!(fault(json!({"to": "", "inner": {}})).field, "inner.a");
        assert_eq!(
            fault(json!({"to": "", "inner": {"b": 1}})),
            Fault::new("inner.b", FaultKind::Unknown(&["a"])),
        );
        let wrong = "invalid type: integer `5`, expected a string".to_owned();
        assert_eq!(fault(json!({"to": 5})), Fault::new("to", FaultKind::Wrong(wrong)));
        assert_eq!(fault(json!({"to": "", "count": -1})).field, "count");
        assert_eq!(fault(json!({"to": "", "list": ["a", 1]})).field, "list.1");
        assert_eq!(fault(json!([])).field, "");
    }

    #[test]
    fn a_mistyped_name_finds_its_nearest() {
        assert_eq!(nearest("refrence", &["to", "reference"]), Some("reference"));
        assert_eq!(nearest("template", &["to", "reference"]), None);
    }
}

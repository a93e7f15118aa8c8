//! JSON text into a tree: of limited depth, and no name twice in an object.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::http::error::Code;
use crate::http::problem::Problem;

/// How deeply objects and lists may be nested.
pub const MAX_DEPTH: u8 = 16;

/// Parses a whole text.
///
/// # Errors
/// A problem that says where the text is wrong.
pub fn parse(text: &[u8]) -> Result<Value, Problem> {
    let too_deep = Cell::new(false);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let tree = Tree { depth: 0, too_deep: &too_deep };
    let parsed = tree.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    parsed.map_err(|error| {
        if too_deep.get() {
            let detail = format!("Objects and lists may be nested {MAX_DEPTH} deep.");
            return Problem::new(Code::JsonTooDeep, detail).with("limit", MAX_DEPTH);
        }
        Problem::new(Code::InvalidJson, format!("The body cannot be read: {error}."))
    })
}

/// The one text of a tree: names in order, no spaces. Two requests that mean the
/// same have the same.
#[must_use]
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            let texts = members.into_iter().map(|(name, value)| {
                format!("{}:{}", Value::from(name.as_str()), canonical(value))
            });
            format!("{{{}}}", texts.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[derive(Clone, Copy)]
struct Tree<'a> {
    depth: u8,
    too_deep: &'a Cell<bool>,
}

impl Tree<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            self.too_deep.set(true);
            return Err(E::custom("nested too deeply"));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(deeper)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let deeper = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(deeper)?;
            if object.contains_key(&name) {
                return Err(de::Error::custom("an object has one name twice"));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_trees_have_one_text() {
        let text = |json: &str| canonical(&parse(json.as_bytes()).unwrap());
        assert_eq!(
            text(r#" {"b":[1, 2.5,null], "a":{"d":"\u0041","c":true}} "#),
            text(r#"{"a":{"c":true,"d":"A"},"b":[1,2.5,null]}"#)
        );
        assert_ne!(text(r#"{"a":1}"#), text(r#"{"a":"1"}"#));
    }

    #[test]
    fn what_is_ambiguous_or_too_deep_is_refused() {
        let refused = |text: &str| parse(text.as_bytes()).unwrap_err().to_string();
        assert!(refused(r#"{"a":1,"a":2}"#).contains("twice"));
        assert!(refused("{\"a\":").starts_with("invalid_json"));
        assert!(refused("{} x").starts_with("invalid_json"));
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(deep(16).as_bytes()).is_ok());
        assert!(refused(&deep(17)).starts_with("json_too_deep"));
        assert!(refused(&"[".repeat(16_000)).starts_with("json_too_deep"));
    }
}

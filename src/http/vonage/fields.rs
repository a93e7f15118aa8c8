//! The parameters of a request, from wherever they came: query, form, JSON.
//!
//! The body is looked at, not its content type: clients send forms as JSON, a
//! form's type without a body, and an empty body as JSON.

use serde_json::Value;

use super::refusal::Refusal;

/// The longest value of a parameter.
const MAX_VALUE: usize = 256;
/// The most parameters.
const MAX_FIELDS: usize = 64;

/// Names and values in the order in which they came, the query's first.
/// They hold secrets, so they have no `Debug`.
#[derive(Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a query and a body.
    ///
    /// # Errors
    /// When the body cannot be read, or there is too much of anything.
    pub fn read(query: &str, body: &[u8]) -> Result<Self, Refusal> {
        let mut fields = form(query.as_bytes())?;
        let body = body.trim_ascii();
        fields.extend(if body.starts_with(b"{") { json(body)? } else { form(body)? });
        let fits = |(name, value): &(String, String)| name.len().max(value.len()) <= MAX_VALUE;
        if let Some((name, _)) = fields.iter().find(|field| !fits(field)) {
            return Err(Refusal::invalid(if name.len() > MAX_VALUE { "name" } else { name }));
        }
        if fields.len() > MAX_FIELDS {
            return Err(Refusal::invalid("body"));
        }
        Ok(Self(fields))
    }

    /// The value of a parameter, the last one given; an empty one is none.
    pub fn given(&self, name: &str) -> Option<&str> {
        let mut named = self.0.iter().rev().filter(|(known, _)| known == name);
        named.next().map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The value of a parameter that must be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.given(name).ok_or_else(|| Refusal::missing(name))
    }

    /// Every value of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A whole number in a range, unless absent.
    ///
    /// # Errors
    /// When it is no such number.
    pub fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<Option<u32>, Refusal> {
        let Some(text) = self.given(name) else { return Ok(None) };
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| plain && range.contains(number));
        number.map(Some).ok_or_else(|| Refusal::invalid(name))
    }

    /// What a signature covers: all but itself, sorted by name, as `&name=value` with
    /// `&` and `=` in a value replaced.
    pub fn signed_text(&self) -> String {
        let mut fields: Vec<&(String, String)> =
            self.0.iter().filter(|(name, _)| name != "sig").collect();
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        let part = |(name, value): &(String, String)| {
            format!("&{name}={}", value.replace(['&', '='], "_"))
        };
        fields.into_iter().map(part).collect()
    }
}

fn form(bytes: &[u8]) -> Result<Vec<(String, String)>, Refusal> {
    serde_urlencoded::from_bytes(bytes).map_err(|_| Refusal::invalid("body"))
}

/// The members of an object; a list gives one field for each of its items.
fn json(bytes: &[u8]) -> Result<Vec<(String, String)>, Refusal> {
    let unreadable = || Refusal::invalid("body");
    let Ok(Value::Object(members)) = serde_json::from_slice(bytes) else {
        return Err(unreadable());
    };
    let mut fields = Vec::new();
    for (name, value) in members {
        let items = match value {
            Value::Array(items) => items,
            value => vec![value],
        };
        for item in items {
            let text = match item {
                Value::Null => continue,
                Value::Bool(value) => value.to_string(),
                Value::Number(number) => number.to_string(),
                Value::String(text) => text,
                Value::Array(_) | Value::Object(_) => return Err(Refusal::invalid(&name)),
            };
            fields.push((name.clone(), text));
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, body: &str) -> Fields {
        Fields::read(query, body.as_bytes()).unwrap()
    }

    #[test]
    fn query_form_and_json_are_one() {
        let json = read(
            "api_key=k",
            r#" {"code_length": 4, "amount": 48.5, "brand": "A&B", "lg": null} "#,
        );
        assert_eq!(json.given("api_key"), Some("k"));
        assert_eq!(json.number("code_length", 4..=6).unwrap(), Some(4));
        assert_eq!((json.given("amount"), json.given("lg")), (Some("48.5"), None));
        let form = read("a=1&a=", "b=x+y&ids=1&ids=2");
        assert_eq!((form.given("a"), form.given("b")), (None, Some("x y")));
        assert_eq!(form.all("ids").collect::<Vec<_>>(), ["1", "2"]);
        assert!(read("", r#"{"ids": ["1", 2]}"#).all("ids").eq(["1", "2"]));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let long = format!("a={}", "x".repeat(257));
        for body in ["{", "{\"a\": {}}", "[1]x%ff=%ff", &long] {
            let read = Fields::read("", body.as_bytes());
            assert!(read.is_err() || body.starts_with('['), "{body}");
        }
        for (text, right) in [("60", true), ("59", false), ("+60", false), ("6e1", false)] {
            assert_eq!(read("", &format!("n={text}")).number("n", 60..=90).is_ok(), right);
        }
    }

    #[test]
    fn a_signature_covers_everything_but_itself_in_order() {
        let fields = read("b=2&sig=f00&a=x%26y%3Dz", "");
        assert_eq!(fields.signed_text(), "&a=x_y_z&b=2");
    }

    proptest::proptest! {
        #[test]
        fn any_query_and_body_are_read_or_refused(
            query in "\\PC{0,60}",
            body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..120),
            json in "\\{(\"[a-z_]{0,8}\": ?(\"\\PC{0,6}\"|-?[0-9.e]{1,9}|\\[1, ?\"a\"\\]|null|\\{\\}),? ?){0,6}\\}?",
        ) {
            for body in [&body[..], json.as_bytes()] {
                let Ok(fields) = Fields::read(&query, body) else { continue };
                let _ = (fields.number("n", 0..=u32::MAX), fields.signed_text());
                assert!(fields.0.len() <= MAX_FIELDS);
                assert!(fields.0.iter().all(|(name, value)| name.len().max(value.len()) <= MAX_VALUE));
            }
        }

        #[test]
        fn what_a_client_sends_is_what_is_read(
            fields in proptest::collection::vec(("[a-z_]{1,12}", "\\PC{0,20}"), 0..12),
        ) {
            let body = serde_urlencoded::to_string(&fields).unwrap();
            let (query, form) = (Fields::read(&body, b"").ok(), Fields::read("", body.as_bytes()).ok());
            let Some((query, form)) = query.zip(form) else { panic!("{body}") };
            assert!(query == form && query.0 == fields);
        }
    }
}

//! Query strings: every name known, none twice.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::fields::{self, Fault, FaultKind};
use crate::http::error::Code;
use crate::http::problem::Problem;

/// The longest query that is read, in bytes.
const MAX_QUERY: usize = 4 * 1024;

/// A query, read into a wire type whose fields are all `Option<String>`.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(read(request.query_string()).map(Self))
    }
}

/// The names and values of a query or a form body; `None` when it cannot be read.
#[must_use]
pub fn pairs(text: &[u8]) -> Option<Vec<(String, String)>> {
    serde_urlencoded::from_bytes(text).ok()
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    if query.len() > MAX_QUERY {
        let detail = format!("A query may have {MAX_QUERY} bytes.");
        return Err(Problem::new(Code::InvalidParameter, detail).with("limit", MAX_QUERY));
    }
    let pairs = pairs(query.as_bytes()).ok_or_else(|| {
        Problem::new(Code::InvalidParameter, "The query is not URL-encoded UTF-8.")
    })?;
    let mut all = Map::new();
    for (name, value) in pairs {
        if all.contains_key(&name) {
            let detail = format!("The parameter {name:?} is there twice.");
            return Err(Problem::field(Code::InvalidParameter, &name, detail));
        }
        all.insert(name, Value::String(value));
    }
    fields::read(Value::Object(all)).map_err(|Fault { field, kind }| match kind {
        FaultKind::Unknown(known) => {
            let detail = fields::unknown("parameter", &field, &field, known);
            Problem::field(Code::UnknownParameter, &field, detail).with("known", known)
        }
        FaultKind::Missing => {
            let detail = format!("The parameter {field:?} is required.");
            Problem::field(Code::InvalidParameter, &field, detail)
        }
        FaultKind::Wrong(message) => {
            let detail = format!("The parameter {field:?}: {message}.");
            Problem::field(Code::InvalidParameter, &field, detail)
        }
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Names {
        limit: Option<String>,
    }

    #[test]
    fn names_are_known_and_stand_once() {
        assert_eq!(read::<Names>("limit=5").unwrap().limit.as_deref(), Some("5"));
        assert!(read::<Names>("").unwrap().limit.is_none());
        let refused = |query: &str| read::<Names>(query).unwrap_err().to_string();
        assert_eq!(
            refused("limt=5"),
            "unknown_parameter: There is no parameter \"limt\"; did you mean \"limit\"?"
        );
        assert!(refused("limit=5&limit=6").starts_with("invalid_parameter"));
        assert!(refused(&"x".repeat(5000)).contains("4096"));
    }
}

//! Every answer of the API that the suite sees, held against the description
//! that the service itself serves: status, content type, members and problems.
//!
//! Of JSON Schema this knows what the description uses, and fails on anything
//! else. Beyond it, a member that is not described is a fault: clients read the
//! description to learn what there is.

use reqwest::{Client, Method, Url};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

/// One of the API's answers.
pub struct Seen<'a> {
    pub method: &'a Method,
    pub url: &'a Url,
    pub status: u16,
    pub content_type: &'a str,
    pub text: &'a str,
}

/// Checks an answer, if it is one of the API's.
pub async fn check(client: &Client, seen: &Seen<'_>) {
    let path = seen.url.path();
    let ours = [
        "/v1/verifications",
        "/v1/keys",
        "/v1/deliveries",
        "/v1/endpoints",
        "/v1/notifications",
        "/v1/events",
        "/v1/stats",
    ];
    let is_ours = ours.iter().any(|ours| path.starts_with(ours));
    if !is_ours && seen.content_type != "application/problem+json" {
        return;
    }
    let faults = description(client, seen.url).await.faults(seen);
    assert!(
        faults.is_empty(),
        "{} {path} answers {} otherwise than described: {}\n{}",
        seen.method,
        seen.status,
        faults.join("; "),
        seen.text,
    );
}

/// Served once, by the first service that is asked.
async fn description(client: &Client, url: &Url) -> &'static Description {
    static DESCRIPTION: OnceCell<Description> = OnceCell::const_new();
    let load = async || {
        let served = client.get(url.join("/openapi.json").unwrap()).send().await.unwrap();
        Description(served.json().await.unwrap())
    };
    DESCRIPTION.get_or_init(load).await
}

struct Description(Value);

/// What members an object may have that no `properties` names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// As JSON Schema has it.
    Allowed,
    Refused,
}

impl Description {
    fn faults(&self, seen: &Seen<'_>) -> Vec<String> {
        let mut faults = Vec::new();
        let is_problem = seen.content_type == "application/problem+json";
        if let Some(operation) = self.operation(seen.method, seen.url.path()) {
            let response = &operation["responses"][seen.status.to_string()];
            let content = &response["content"];
            match &content[seen.content_type]["schema"] {
                _ if response.is_null() => faults.push("the status is not described".to_owned()),
                Value::Null if seen.text.is_empty() && content.is_null() => {}
                Value::Null => faults.push(format!("{} is not described", seen.content_type)),
                schema if seen.content_type.ends_with("json") => {
                    self.hold(schema, &parsed(seen.text), "", Others::Refused, &mut faults);
                }
                _ => self.hold_events(seen.url.path(), seen.text, &mut faults),
            }
            let code = format!("`{}`", parsed(seen.text)["code"].as_str().unwrap_or_default());
            if is_problem && !response["description"].as_str().unwrap().contains(&code) {
                faults.push(format!("{code} is not described for this operation"));
            }
        } else if is_problem {
            let schema = &self.0["components"]["schemas"]["Problem"];
            self.hold(schema, &parsed(seen.text), "", Others::Refused, &mut faults);
        }
        if is_problem && parsed(seen.text)["status"] != seen.status {
            faults.push("the problem names another status".to_owned());
        }
        faults
    }

    fn operation(&self, method: &Method, path: &str) -> Option<&Value> {
        let is_like = |pattern: &str| {
            let (pattern, path) = (pattern.split('/'), path.split('/'));
            pattern.clone().count() == path.clone().count()
                && pattern.zip(path).all(|(a, b)| a.starts_with('{') || a == b)
        };
        let mut paths = self.0["paths"].as_object().unwrap().iter();
        let (_, item) = paths.find(|(pattern, _)| is_like(pattern))?;
        item.get(method.as_str().to_lowercase())
    }

    /// Each event of a stream is an entry of the timeline, or one of the feed.
    fn hold_events(&self, path: &str, text: &str, faults: &mut Vec<String>) {
        let name = if path == "/v1/events" { "FeedEvent" } else { "Entry" };
        let schema = &self.0["components"]["schemas"][name];
        for data in text.lines().filter_map(|line| line.strip_prefix("data:")) {
            self.hold(schema, &parsed(data), "", Others::Refused, faults);
        }
    }

    /// Holds a value against a schema; adds what is wrong, and where.
    fn hold(
        &self,
        schema: &Value,
        value: &Value,
        at: &str,
        others: Others,
        faults: &mut Vec<String>,
    ) {
        for (keyword, wanted) in schema.as_object().unwrap() {
            let good = match keyword.as_str() {
                "description" | "example" => true,
                "$ref" => {
                    let pointer = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                    self.hold(self.0.pointer(pointer).unwrap(), value, at, others, faults);
                    true
                }
                "oneOf" => self.matching(wanted, value, others) == 1,
                "anyOf" => self.matching(wanted, value, others) > 0,
                "type" => match wanted {
                    Value::Array(types) => types.iter().any(|one| is_of_type(one, value)),
                    one => is_of_type(one, value),
                },
                "enum" => wanted.as_array().unwrap().contains(value),
                "format" => is_of_format(wanted.as_str().unwrap(), value),
                "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
                "required" => {
                    let mut names = wanted.as_array().unwrap().iter();
                    value.as_object().is_none_or(|members| {
                        names.all(|name| members.contains_key(name.as_str().unwrap()))
                    })
                }
                "properties" => {
                    self.hold_members(wanted.as_object().unwrap(), value, at, others, faults);
                    true
                }
                "items" => {
                    for item in value.as_array().into_iter().flatten() {
                        self.hold(wanted, item, &format!("{at}[]"), others, faults);
                    }
                    true
                }
                unknown => panic!("the description uses {unknown}, which is not checked yet"),
            };
            if !good {
                faults.push(format!("{at}: {keyword} {wanted}"));
            }
        }
    }

    fn hold_members(
        &self,
        described: &Map<String, Value>,
        value: &Value,
        at: &str,
        others: Others,
        faults: &mut Vec<String>,
    ) {
        for (name, member) in value.as_object().into_iter().flatten() {
            let at = format!("{at}.{name}");
            match described.get(name) {
                Some(schema) => self.hold(schema, member, &at, others, faults),
                None if others == Others::Refused => faults.push(format!("{at} is not described")),
                None => {}
            }
        }
    }

    /// How many of the schemas hold for a value as clients see it; none, if none
    /// describes all of its members.
    fn matching(&self, schemas: &Value, value: &Value, others: Others) -> usize {
        let schemas = schemas.as_array().unwrap();
        let held = |others: Others| {
            let holds = |schema: &&Value| {
                let mut faults = Vec::new();
                self.hold(schema, value, "", others, &mut faults);
                faults.is_empty()
            };
            schemas.iter().filter(holds).count()
        };
        if held(others) == 0 { 0 } else { held(Others::Allowed) }
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn is_of_type(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        unknown => panic!("the description uses the type {unknown}, which is not checked yet"),
    }
}

fn is_of_format(name: &str, value: &Value) -> bool {
    match name {
        "int32" => value.as_i64().is_none_or(|number| i32::try_from(number).is_ok()),
        "int64" => value.as_number().is_none_or(serde_json::Number::is_i64),
        "date-time" => value.as_str().is_none_or(|text| text.parse::<jiff::Timestamp>().is_ok()),
        "double" => value.as_number().is_none_or(|number| number.as_f64().is_some()),
        "date" => value.as_str().is_none_or(|text| text.parse::<jiff::civil::Date>().is_ok()),
        unknown => panic!("the description uses the format {unknown}, which is not checked yet"),
    }
}

#[test]
fn what_is_not_as_described_is_found() {
    let description = Description(serde_json::json!({
        "paths": { "/v1/keys/{id}": { "get": { "responses": {
            "200": { "content": { "application/json": { "schema": {
                "$ref": "#/components/schemas/Key"
            } } } },
            "404": { "description": "`not_found`: none", "content": {
                "application/problem+json": { "schema": { "type": "object" } }
            } },
        } } } },
        "components": { "schemas": { "Key": {
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": { "type": "string", "enum": ["a", "b"] },
                "at": { "type": ["string", "null"], "format": "date-time" },
                "count": { "type": "integer", "format": "int32", "minimum": 0 },
                "of": { "oneOf": [{ "type": "object", "properties": { "x": {} } }, { "type": "null" }] },
                "list": { "type": "array", "items": { "type": "boolean" } },
            },
        } } },
    }));
    let faults = |status: u16, content_type: &str, text: &str| {
        let url = Url::parse("http://h/v1/keys/1").unwrap();
        description.faults(&Seen { method: &Method::GET, url: &url, status, content_type, text })
    };
    let (json, problem) = ("application/json", "application/problem+json");
    for good in [
        r#"{"id": "a"}"#,
        r#"{"id": "b", "at": null, "count": 0, "of": null, "list": []}"#,
        r#"{"id": "b", "at": "2026-11-22T12:00:00Z", "of": {"x": 1}, "list": [true]}"#,
    ] {
        assert_eq!(faults(200, json, good), [""; 0], "{good}");
    }
    assert_eq!(faults(404, problem, r#"{"code": "not_found", "status": 404}"#), [""; 0]);
    for (status, content_type, text) in [
        (200, json, "[]"),
        (200, json, "{}"),
        (200, json, r#"{"id": "c"}"#),
        (200, json, r#"{"id": "a", "at": "yesterday"}"#),
        (200, json, r#"{"id": "a", "count": -1}"#),
        (200, json, r#"{"id": "a", "count": 3000000000}"#),
        (200, json, r#"{"id": "a", "of": {"y": 1}}"#),
        (200, json, r#"{"id": "a", "list": [1]}"#),
        (200, json, r#"{"id": "a", "more": 1}"#),
        (200, "text/plain", "a"),
        (201, json, r#"{"id": "a"}"#),
        (404, problem, r#"{"code": "other", "status": 404}"#),
        (404, problem, r#"{"code": "not_found", "status": 400}"#),
    ] {
        assert_eq!(faults(status, content_type, text).len(), 1, "{status} {text}");
    }
}

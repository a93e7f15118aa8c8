//! An answer: one tree of texts, as JSON or as XML.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/json`.
    Json,
    /// `text/xml`.
    Xml,
}

/// The members of an answer.
pub type Members = Map<String, Value>;

/// Members from names and texts.
pub fn members<const N: usize>(texts: [(&str, &str); N]) -> Members {
    texts.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect()
}

impl Format {
    /// Writes an answer under `root`, which only XML has. Whatever it says, it is a 200.
    pub fn answer(self, root: &str, answer: Result<Members, Refusal>) -> HttpResponse {
        let members = answer.unwrap_or_else(refused);
        let (content_type, body) = match self {
            Self::Json => ("application/json", Value::Object(members).to_string()),
            Self::Xml => ("text/xml", xml(root, &members)),
        };
        HttpResponse::Ok()
            .content_type(content_type)
            .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
            .body(body)
    }
}

fn refused(refusal: Refusal) -> Members {
    let mut members =
        members([("status", &refusal.status.to_string()), ("error_text", &refusal.text)]);
    if let Some(id) = refusal.request_id {
        members.insert("request_id".to_owned(), id.into());
    }
    members
}

fn xml(root: &str, members: &Members) -> String {
    let mut text = String::from(r#"<?xml version="1.0" encoding="UTF-8"?>"#);
    element(&mut text, root, members);
    text
}

fn element(text: &mut String, name: &str, members: &Members) {
    open(text, name);
    for (name, value) in members {
        write(text, name, value);
    }
    close(text, name);
}

/// A list is one element that holds one for each item.
fn write(text: &mut String, name: &str, value: &Value) {
    match value {
        Value::Object(members) => element(text, name, members),
        Value::Array(items) => {
            open(text, name);
            let item_name = if name == "verification_requests" {
                "verify_request"
            } else {
                name.strip_suffix('s').unwrap_or(name)
            };
            items.iter().for_each(|item| write(text, item_name, item));
            close(text, name);
        }
        Value::String(value) => {
            open(text, name);
            escape(text, value);
            close(text, name);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            open(text, name);
            escape(text, &value.to_string());
            close(text, name);
        }
    }
}

fn open(text: &mut String, name: &str) {
    text.push('<');
    text.push_str(name);
    text.push('>');
}

fn close(text: &mut String, name: &str) {
    text.push_str("</");
    text.push_str(name);
    text.push('>');
}

/// What XML cannot hold at all is left out.
fn escape(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            c if c.is_control() && !c.is_whitespace() => {}
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_wrapped_and_texts_escaped() {
        let mut answer = members([("number", "<&>")]);
        answer.insert("checks".into(), vec![Value::Object(members([("code", "1\u{1}")]))].into());
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><verify_request>\
            <checks><check><code>1</code></check></checks><number>&lt;&amp;&gt;</number></verify_request>";
        assert_eq!(xml("verify_request", &answer), expected);
    }
}

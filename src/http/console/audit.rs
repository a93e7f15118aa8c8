//! The audit log: who administered what, newest first.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::service::AuditEntry;

use super::super::state::State;
use super::elements::{dash, instant, plain};
use super::operator::Operator;
use super::page::{self, Section};
use super::refused::Refused;

const TITLE: &str = "Audit log";
const LIMIT: u16 = 50;
/// The digits of a digest that are shown.
const DIGEST: usize = 16;

/// Which page.
#[derive(Deserialize)]
pub struct Wanted {
    cursor: Option<String>,
}

/// One page.
pub async fn page(
    operator: Operator,
    state: Data<State>,
    wanted: Query<Wanted>,
) -> Result<HttpResponse, Refused> {
    let cursor = wanted.cursor.as_deref().map(str::parse).transpose();
    let before =
        cursor.map_err(|_| Refused::unreadable("This page's cursor is none; begin anew."))?;
    let found = state.service.list_audit(before, LIMIT).await?;
    let content = html! {
        h1 { (TITLE) }
        p.lead { "What was administered, by whom, and how it was before and after. Each entry carries a hash of itself and all before it; "
            code { "ringproof audit verify" } " tells whether the log is whole." }
        @if found.entries.is_empty() {
            div.panel.empty { h2 { "Nothing yet" } p { "Making and revoking keys, for one, is noted here." } }
        } @else {
            div.panel.flush {
                table.cards {
                    thead { tr { th.number { "#" } th { "When (UTC)" } th { "Who" } th { "What" } th { "To what" } th { "Before" } th { "After" } } }
                    tbody { @for entry in &found.entries { (row(entry)) } }
                }
            }
        }
        nav.pages aria-label="Pages" {
            @if before.is_some() { a.button href="/console/audit" { "Newest" } }
            @if let Some(next) = found.next { a.button rel="next" href={ "/console/audit?cursor=" (next) } { "Older" } }
        }
    };
    Ok(page::of(&operator, Section::Audit, TITLE, &content))
}

fn row(entry: &AuditEntry) -> Markup {
    let audited = &entry.audited;
    html! {
        tr {
            td.number data-label="#" { span title={ "hash " (const_hex::encode(entry.hash)) } { (entry.sequence) } }
            td data-label="When" { (instant(audited.at)) }
            td data-label="Who" { code { (audited.actor) } }
            td data-label="What" { span.strong { (audited.action) } }
            td.text data-label="To what" { code { (audited.subject) } }
            td.text data-label="Before" { (json(audited.before.as_deref())) }
            td.text data-label="After" { (json(audited.after.as_deref())) }
        }
    }
}

/// A line for each value that there is.
fn json(text: Option<&str>) -> Markup {
    let read = text.and_then(|text| serde_json::from_str(text).ok());
    html! {
        @match (text, read) {
            (None, _) => (dash()),
            (Some(_), Some(Value::Object(values))) => {
                @for (name, value) in &values {
                    @let says = words(value);
                    @if !says.is_empty() { div { span.muted { (plain(name)) } " " (short(&says)) } }
                }
            }
            (Some(text), _) => code { (text) },
        }
    }
}

/// A value without the marks of its format; nothing for none.
fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(values) => {
            let one =
                |(name, value): (&String, &Value)| format!("{} {}", plain(name), words(value));
            values.iter().map(one).collect::<Vec<_>>().join("; ")
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A digest is told by its beginning.
fn short(text: &str) -> Markup {
    let is_digest = text.len() > DIGEST && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text.get(..DIGEST).filter(|_| is_digest) {
        Some(begins) => html! { code title=(text) { (begins) "…" } },
        None => html! { code { (text) } },
    }
}

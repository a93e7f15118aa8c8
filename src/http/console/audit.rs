//! The audit log: who administered what, newest first.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use maud::{Markup, html};
use serde::Deserialize;

use crate::service::AuditEntry;

use super::super::state::State;
use super::elements::{dash, instant};
use super::operator::Operator;
use super::page::{self, Section};
use super::refused::Refused;

const TITLE: &str = "Audit log";
const LIMIT: u16 = 50;

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

fn json(text: Option<&str>) -> Markup {
    html! { @match text { Some(text) => code { (text) }, None => (dash()) } }
}

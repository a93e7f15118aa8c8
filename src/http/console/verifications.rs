//! Verifications of every app: searched, newest first, in pages.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use maud::{Markup, html};

use crate::domain::{Name, Step, Verification};
use crate::service::Page;

use super::super::state::State;
use super::elements::{badge, channel, dash, instant, outcome, span, status};
use super::filter::Filter;
use super::operator::Operator;
use super::page::{self, Section};
use super::refused::Refused;

const TITLE: &str = "Verifications";

/// One page.
pub async fn page(
    operator: Operator,
    state: Data<State>,
    filter: Query<Filter>,
) -> Result<HttpResponse, Refused> {
    let apps = state.service.app_names().await?;
    let browse = match filter.browse() {
        Ok(browse) => browse,
        Err(why) => {
            let content = frame(&filter, &apps, &html! { p.notice role="alert" { (why) } });
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(page::with_status(
                status,
                &operator,
                Section::Verifications,
                TITLE,
                &content,
            ));
        }
    };
    // The place before what is read, so that no change between is missed.
    let place = state.service.feed(None, 1).await?.end;
    let found = state.service.browse(browse).await?;
    let live = filter.is_first_page().then(|| format!("/console/live?after={place}"));
    let results = html! { div data-live=[live] { (results(&filter, &found)) } };
    let content = frame(&filter, &apps, &results);
    Ok(page::of(&operator, Section::Verifications, TITLE, &content))
}

fn frame(filter: &Filter, apps: &[Name], results: &Markup) -> Markup {
    html! {
        h1 { (TITLE) }
        (filter.form(apps))
        (results)
    }
}

fn results(filter: &Filter, found: &Page) -> Markup {
    html! {
        @if found.verifications.is_empty() {
            (nothing(filter, found))
        } @else {
            div.panel.flush {
                table.cards {
                    thead { tr {
                        th { "Started (UTC)" } th { "To" } th { "Status" } th { "Outcome" }
                        th { "Channel" } th { "App" } th { "Reference" } th.number { "Took" }
                    } }
                    tbody { @for one in &found.verifications { (row(one)) } }
                }
            }
        }
        (pages(filter, found))
    }
}

fn row(verification: &Verification) -> Markup {
    let path = format!("/console/verifications/{}", verification.id);
    let end = verification.conclusion();
    html! {
        tr {
            td data-label="Started" { (instant(verification.created_at)) }
            td.text data-label="To" { a.strong href=(path) { (verification.to) } @if verification.test { " " (badge("quiet", "test")) } }
            td data-label="Status" { (status(verification.status())) @if end.is_some_and(|end| end.disputed) { " " (badge("bad", "disputed")) } }
            td data-label="Outcome" { (outcome(end.map(|end| end.outcome))) }
            td data-label="Channel" { (verification.current_step().map_or("", |step| channel(Step::channel(step)))) }
            td data-label="App" { (verification.app) }
            td.text data-label="Reference" {
                @match verification.reference.as_deref() {
                    Some(reference) => span.clamp title=(reference) { (reference) },
                    None => (dash()),
                }
            }
            td.number data-label="Took" {
                @match end { Some(end) => (span(end.at.duration_since(verification.created_at))), None => (dash()) }
            }
        }
    }
}

fn nothing(filter: &Filter, found: &Page) -> Markup {
    html! {
        div.panel.empty {
            @if found.next.is_some() {
                h2 { "None among the newest" }
                p { "Nothing of this kind is among the verifications that this page looked at. Older ones may be." }
            } @else if filter.is_empty() && filter.is_first_page() {
                h2 { "No verification yet" }
                p { "Make a key for your app under " a href="/console/keys" { "Apps and keys" }
                    ", then start the first one with " code { "POST /v1/verifications" } "." }
            } @else {
                h2 { "Nothing found" }
                p { "Number and reference are compared whole. Search for less, or "
                    a href="/console/verifications" { "show all" } "." }
            }
        }
    }
}

fn pages(filter: &Filter, found: &Page) -> Markup {
    html! {
        nav.pages aria-label="Pages" {
            @if !filter.is_first_page() { a.button href=(filter.page_at("")) { "Newest" } }
            @if let Some(next) = found.next {
                a.button rel="next" href=(filter.page_at(&next.to_string())) { "Older" }
            }
        }
    }
}

//! One verification: what was asked, what was tried, what happened, and who was told.
//! Kept up to date while it is looked at.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use maud::{Markup, html};

use crate::domain::{By, Entry, Sounds, Step, Verification, VerificationId};
use crate::service::{Delivery, DeliverySearch, Journaled, NotificationSearch, Target};

use super::super::state::State;
use super::elements::{badge, channel, dash, instant, level, or_dash, plain, span, status};
use super::operator::Operator;
use super::page::{self, Section};
use super::refused::Refused;
use super::{attempt, notification, timeline};

/// How many deliveries and notifications are shown.
const MOST: u16 = 50;

/// Everything about one verification.
struct Whole {
    verification: Verification,
    entries: Vec<Entry>,
    notifications: Vec<Journaled>,
    deliveries: Vec<Delivery>,
}

/// The page.
pub async fn page(
    operator: Operator,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Refused> {
    let whole = find(&state, id_of(&id)?).await?;
    let verification = &whole.verification;
    let content = html! {
        nav.crumbs aria-label="Where you are" { a href="/console/verifications" { "Verifications" } }
        div data-live={ "/console/verifications/" (verification.id) "/live?version=" (verification.version) } {
            (head(verification))
            (facts(verification))
            (attempt::all(verification))
            (timeline::all(verification, &whole.entries))
            (notification::of_one(&whole.notifications))
            (deliveries(verification, &whole.deliveries))
        }
    };
    let title = format!("Verification {}", verification.status().as_str());
    Ok(page::of(&operator, Section::Verifications, &title, &content))
}

/// The id in a path.
pub(super) fn id_of(text: &str) -> Result<VerificationId, Refused> {
    text.parse().map_err(|_| {
        Refused::not_found("An id is \"ver_\" and 32 hexadecimal digits, as the API gives it.")
    })
}

async fn find(state: &State, id: VerificationId) -> Result<Whole, Refused> {
    let service = &state.service;
    let verification = service.show_any(id).await?;
    let entries = service.timeline(id, 0).await?;
    let search =
        NotificationSearch { verification: Some(id), limit: MOST, ..NotificationSearch::default() };
    let mut notifications = service.list_notifications(search).await?.notifications;
    notifications.reverse();
    let search = DeliverySearch {
        app: verification.app.clone(),
        state: None,
        endpoint: None,
        verification: Some(id),
        before: None,
        limit: MOST,
    };
    let deliveries = service.list_deliveries(search).await?.deliveries;
    Ok(Whole { verification, entries, notifications, deliveries })
}

fn head(verification: &Verification) -> Markup {
    let end = verification.conclusion();
    html! {
        header.head {
            h1 { (verification.to) }
            p.state role="status" {
                (status(verification.status()))
                @if let Some(end) = end { " " span.strong #outcome { (plain(end.outcome.as_str())) } }
                @if end.is_some_and(|end| end.disputed) { " " (badge("bad", "disputed")) }
                @if verification.test { " " (badge("quiet", "test")) }
            }
            p.muted { code { (verification.id) } }
        }
        @if end.is_some_and(|end| end.disputed) {
            p.notice { "A later report contradicted the one that decided. Do not act on this verification; look at the reports below." }
        }
    }
}

fn facts(verification: &Verification) -> Markup {
    let end = verification.conclusion();
    let evidence = verification.attempts.iter().find_map(|attempt| attempt.key_report.as_ref());
    html! {
        section.panel aria-label="Facts" {
            dl.facts {
                div { dt { "App" } dd { (verification.app) } }
                div.wide { dt { "Reference" } dd.text { (or_dash(verification.reference.as_deref())) } }
                div { dt { "Started (UTC)" } dd { (instant(verification.created_at)) } }
                @match end {
                    None => div { dt { "Expires (UTC)" } dd { (instant(verification.expires_at)) } },
                    Some(end) => div { dt { "Took" } dd { (span(end.at.duration_since(verification.created_at))) } },
                }
                div { dt { "Evidence" } dd { @match evidence {
                    Some(report) => (level(report.evidence.level())), None => (dash()) } } }
                @if let Some(demanded) = verification.demanded {
                    div { dt { "Evidence demanded" } dd { (level(demanded)) } }
                }
                @if let Some(codes) = &verification.codes {
                    div { dt { "Checks used" } dd { (codes.checks_used) " of " (codes.checks_limit) } }
                }
                div { dt { "Redeemed (UTC)" } dd { @match end.and_then(|end| end.redeemed_at) {
                    Some(at) => (instant(at)), None => (dash()) } } }
                @if let Some(url) = &verification.callback_url {
                    div.wide { dt { "Callback" } dd.text { (url) } }
                }
            }
            (plan(verification))
            @if let Some(metadata) = &verification.metadata {
                details { summary { "Metadata" } pre tabindex="0" { (metadata) } }
            }
        }
    }
}

fn plan(verification: &Verification) -> Markup {
    html! {
        ol.plan aria-label="Plan" {
            @for step in &verification.plan {
                li {
                    span.strong { (channel(step.channel())) }
                    " " span.muted { (how(step)) }
                    @if step.skipped { " " (badge("quiet", "skipped")) }
                }
            }
        }
    }
}

fn how(step: &Step) -> String {
    let mut words = vec![format!("account {}", step.account)];
    match &step.by {
        By::Button(button) => {
            let drawn = if button.random_key { ", drawn at random" } else { "" };
            words.push(format!("press {}{drawn}", button.press));
            words.extend(button.from.map(|from| format!("from {from}")));
            words.push(match &button.sounds {
                Sounds::Prompt { name, language } => format!("prompt {name}, {language}"),
                Sounds::Given { .. } => "sounds of the start".to_owned(),
            });
        }
        By::Code(code) => words.extend(code.language.as_ref().map(|name| format!("in {name}"))),
    }
    words.extend(step.wait.map(|wait| format!("next after {}", span(wait))));
    words.join(" · ")
}

fn deliveries(verification: &Verification, deliveries: &[Delivery]) -> Markup {
    html! {
        section.panel {
            h2 { "Deliveries to the app" }
            @if deliveries.is_empty() && verification.conclusion().is_none() {
                p.empty { "Nothing yet: an app is told of the end." }
            } @else if deliveries.is_empty() {
                p.empty { "The app was told nothing: it has no endpoint in the configuration, and the start named no "
                    code { "callback_url" } ". It may poll instead." }
            } @else {
                table.cards {
                    thead { tr { th { "What" } th { "Where" } th { "State" } th.number { "Tries" } th { "Last answer" } th { "Next (UTC)" } } }
                    tbody { @for one in deliveries { (delivery(one)) } }
                }
            }
        }
    }
}

fn delivery(delivery: &Delivery) -> Markup {
    use crate::service::DeliveryState;
    let tone = match delivery.state {
        DeliveryState::Delivered => "good",
        DeliveryState::Pending => "open",
        DeliveryState::Failed => "bad",
        DeliveryState::Held => "quiet",
    };
    html! {
        tr {
            td data-label="What" { (delivery.kind) }
            td.text data-label="Where" {
                @match &delivery.target { Target::Endpoint(name) => (name), Target::Callback(url) => (url) }
            }
            td data-label="State" { (badge(tone, delivery.state.as_str())) }
            td.number data-label="Tries" { (delivery.tries) }
            td.text data-label="Last answer" {
                @match delivery.last.as_ref() {
                    Some(last) => { @match last.status { Some(status) => (status), None => (or_dash(last.error.as_deref())) } }
                    None => (dash()),
                }
            }
            td data-label="Next" { @match delivery.due_at { Some(at) => (instant(at)), None => (dash()) } }
        }
    }
}

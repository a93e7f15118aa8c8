//! What providers reported, newest first, with what was made of it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use maud::{Markup, html};
use serde::Deserialize;

use crate::domain::Name;
use crate::intake::Verdict;
use crate::service::{Journaled, NotificationPage, NotificationSearch};

use super::super::state::State;
use super::elements::{badge, dash, instant, plain, select};
use super::notification::verdict;
use super::operator::Operator;
use super::page::{self, Section};
use super::refused::Refused;

const TITLE: &str = "Notifications";
const LIMIT: u16 = 50;

/// The query as it came. An empty field filters nothing.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    account: String,
    verdict: String,
    verification: String,
    cursor: String,
}

/// One page.
pub async fn page(
    operator: Operator,
    state: Data<State>,
    wanted: Query<Wanted>,
) -> Result<HttpResponse, Refused> {
    let accounts: Vec<Name> =
        state.service.accounts().iter().map(|account| account.name.clone()).collect();
    let (status, results) = match wanted.search() {
        Err(why) => {
            let notice = html! { p.notice role="alert" { (why) } };
            (StatusCode::UNPROCESSABLE_ENTITY, notice)
        }
        Ok(search) => {
            let found = state.service.list_notifications(search).await?;
            (StatusCode::OK, wanted.results(&found))
        }
    };
    let content = html! {
        h1 { (TITLE) }
        (wanted.form(&accounts))
        (results)
    };
    Ok(page::with_status(status, &operator, Section::Notifications, TITLE, &content))
}

impl Wanted {
    fn search(&self) -> Result<NotificationSearch, &'static str> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let account = given(&self.account).map(|text| Name::parse(&text)).transpose();
        let verdict = given(&self.verdict).map(|text| {
            Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == text).ok_or(())
        });
        let verification = given(&self.verification).map(|text| text.parse()).transpose();
        let before = given(&self.cursor).map(|text| text.parse()).transpose();
        Ok(NotificationSearch {
            account: account.map_err(|_| "There is no such account; choose one from the list.")?,
            verdict: verdict
                .transpose()
                .map_err(|()| "There is no such verdict; choose one from the list.")?
                .map(|verdict| verdict.as_str().into()),
            verification: verification
                .map_err(|_| "A verification's id is \"ver_\" and 32 hexadecimal digits.")?,
            received_from: None,
            received_until: None,
            before: before.map_err(|_| "This page's cursor is none; search anew.")?,
            limit: LIMIT,
        })
    }

    fn is_empty(&self) -> bool {
        self.account.is_empty() && self.verdict.is_empty() && self.verification.is_empty()
    }

    fn page_at(&self, cursor: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let fields = [
            ("account", &*self.account),
            ("verdict", &self.verdict),
            ("verification", &self.verification),
            ("cursor", cursor),
        ];
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        format!("/console/notifications?{}", query.finish())
    }

    fn form(&self, accounts: &[Name]) -> Markup {
        html! {
            form.filter method="get" action="/console/notifications" role="search" {
                (select("verdict", "Verdict", &self.verdict,
                    Verdict::ALL.into_iter().map(|one| (one.as_str(), plain(one.as_str())))))
                (select("account", "Account", &self.account, accounts.iter().map(|one| (one.as_str(), one.to_string()))))
                label.time { "Verification"
                    input type="search" name="verification" value=(self.verification) placeholder="ver_…" autocomplete="off" spellcheck="false";
                }
                div.submit {
                    button.primary { "Search" }
                    @if !self.is_empty() { a.button href="/console/notifications" { "Clear" } }
                }
            }
        }
    }

    fn results(&self, found: &NotificationPage) -> Markup {
        html! {
            @if found.notifications.is_empty() {
                div.panel.empty {
                    @if self.is_empty() && found.next.is_none() {
                        h2 { "No notification yet" }
                        p { "Point the PBX's notification URL at " code { "/hooks/zadarma/TOKEN" }
                            " of this service, and switch NOTIFY_END and NOTIFY_OUT_END on. Every one appears here with what was made of it." }
                    } @else {
                        h2 { "Nothing found" }
                        p { "Nothing of this kind is in the part of the journal that this page looked through." }
                    }
                }
            } @else {
                div.panel.flush {
                    table.cards {
                        thead { tr { th { "Received (UTC)" } th { "Event" } th { "Verdict" } th { "Of" } th { "Account" } } }
                        tbody { @for one in &found.notifications { (row(one)) } }
                    }
                }
            }
            nav.pages aria-label="Pages" {
                @if !self.cursor.is_empty() { a.button href=(self.page_at("")) { "Newest" } }
                @if let Some(next) = found.next { a.button rel="next" href=(self.page_at(&next.to_string())) { "Older" } }
            }
        }
    }
}

fn row(found: &Journaled) -> Markup {
    let notification = &found.notification;
    html! {
        tr {
            td data-label="Received" { (instant(notification.received_at)) }
            td data-label="Event" { a.strong href={ "/console/notifications/" (notification.sequence) } { (notification.event) } }
            td data-label="Verdict" { (verdict(&notification.verdict)) @if found.replay_of.is_some() { " " (badge("open", "replay")) } }
            td.text data-label="Of" {
                @match (found.verification, notification.masked.as_deref()) {
                    (Some(id), _) => a href={ "/console/verifications/" (id) } { code { (id) } },
                    (None, Some(masked)) => (masked),
                    (None, None) => (dash()),
                }
            }
            td data-label="Account" { (notification.account) }
        }
    }
}

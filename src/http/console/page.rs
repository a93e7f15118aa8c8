//! The frame of every page: head, navigation, who is signed in.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use maud::{DOCTYPE, Markup, html};

use super::elements::hidden_token;
use super::operator::Operator;
use super::theme::Theme;

/// A part of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// How things go, and what happens now.
    Overview,
    /// Searching and looking at verifications.
    Verifications,
    /// What providers reported.
    Notifications,
    /// What is played into calls.
    Sounds,
    /// What stops verifications, and whom.
    Guard,
    /// Apps and their keys.
    Keys,
    /// Who administered what.
    Audit,
}

impl Section {
    const ALL: [Self; 7] = [
        Self::Overview,
        Self::Verifications,
        Self::Notifications,
        Self::Sounds,
        Self::Guard,
        Self::Keys,
        Self::Audit,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Verifications => "Verifications",
            Self::Notifications => "Notifications",
            Self::Sounds => "Sounds and prompts",
            Self::Guard => "Guard",
            Self::Keys => "Apps and keys",
            Self::Audit => "Audit log",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/console/overview",
            Self::Verifications => "/console/verifications",
            Self::Notifications => "/console/notifications",
            Self::Sounds => "/console/sounds",
            Self::Guard => "/console/guard",
            Self::Keys => "/console/keys",
            Self::Audit => "/console/audit",
        }
    }
}

/// A page for an operator.
#[must_use]
pub fn of(operator: &Operator, section: Section, title: &str, content: &Markup) -> HttpResponse {
    with_status(StatusCode::OK, operator, section, title, content)
}

/// The same with another status.
#[must_use]
pub fn with_status(
    status: StatusCode,
    operator: &Operator,
    section: Section,
    title: &str,
    content: &Markup,
) -> HttpResponse {
    let body = html! {
        a.skip href="#content" { "Skip to the content" }
        div.frame {
            header.side {
                a.brand href="/console" { img src="/console/assets/icon.svg" alt="" width="20" height="20"; "Ringproof" }
                nav aria-label="Console" {
                    @for one in Section::ALL {
                        a href=(one.path()) aria-current=[(one == section).then_some("page")] { (one.name()) }
                    }
                }
                (account(operator))
            }
            main #content tabindex="-1" { (content) }
        }
    };
    answer(status, &document(title, operator.theme, &body))
}

/// A page for whoever asks, in a frame of its own and a theme.
#[must_use]
pub fn alone_in(theme: Theme, status: StatusCode, title: &str, content: &Markup) -> HttpResponse {
    let body = html! {
        main.alone #content {
            p.brand { img src="/console/assets/icon.svg" alt="" width="20" height="20"; "Ringproof" }
            (content)
        }
    };
    answer(status, &document(title, theme, &body))
}

/// Goes on to another page, as after a form.
#[must_use]
pub fn see_other(path: &str) -> HttpResponse {
    let mut answer = HttpResponse::new(StatusCode::SEE_OTHER);
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/console"));
    answer.headers_mut().insert(LOCATION, path);
    answer
}

/// Who is signed in, how the page looks, and the way out.
fn account(operator: &Operator) -> Markup {
    let session = &operator.session;
    html! {
        details.account {
            summary {
                span.muted { "Signed in with " }
                code { (session.operator.key_id) }
            }
            form method="post" action="/console/theme" {
                (hidden_token(session))
                input type="hidden" name="back" value=(operator.here);
                fieldset.choice {
                    legend { "Theme" }
                    @for theme in Theme::ALL {
                        button name="theme" value=(theme.as_str())
                            aria-pressed=(if theme == operator.theme { "true" } else { "false" }) {
                            (theme.as_str())
                        }
                    }
                }
            }
            form method="post" action="/console/sign-out" {
                (hidden_token(session))
                button.wide #sign-out { "Sign out" }
            }
            form method="post" action="/console/sign-out-everywhere" {
                (hidden_token(session))
                button.wide #sign-out-everywhere { "Sign out everywhere" }
            }
            p.hint { "Everywhere: every browser that this key signed in." }
        }
    }
}

fn document(title: &str, theme: Theme, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=(theme.as_str()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Ringproof" }
                link rel="icon" href="/console/assets/icon.svg";
                link rel="stylesheet" href="/console/assets/console.css";
                script type="module" src="/console/assets/live.js" {}
            }
            body { (body) }
        }
    }
}

fn answer(status: StatusCode, document: &Markup) -> HttpResponse {
    HttpResponse::build(status).content_type("text/html; charset=utf-8").body(document.0.clone())
}

//! What is shown instead of a page.

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use maud::html;

use crate::service::{ShowRefusal, StoreError};

use super::super::problem::Problem;
use super::page;
use super::theme::Theme;

/// Why a page is not shown.
#[derive(Debug)]
pub enum Refused {
    /// Nobody is signed in.
    SignIn {
        /// Where to go afterwards.
        back: String,
        /// Whether there was a session.
        has_ended: bool,
    },
    /// Anything else.
    Page {
        /// The status of the answer.
        status: StatusCode,
        /// What it is, in a few words.
        title: &'static str,
        /// What to do.
        text: String,
    },
}

impl Refused {
    /// What the address names is not there.
    #[must_use]
    pub fn not_found(text: &str) -> Self {
        Self::Page { status: StatusCode::NOT_FOUND, title: "Not found", text: text.to_owned() }
    }

    /// What was sent cannot be read or has a wrong value.
    #[must_use]
    pub fn unreadable(text: &str) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::Page { status, title: "That cannot be read", text: text.to_owned() }
    }

    /// Our own fault.
    #[must_use]
    pub fn fault() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let text = "The cause is in the service's log.".to_owned();
        Self::Page { status, title: "Something failed here", text }
    }

    /// The store does not answer. Its words go to the log only.
    #[must_use]
    pub fn store(error: &StoreError) -> Self {
        Problem::store(error).into()
    }
}

/// The same as the API says, as a page.
impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        let (title, text) = (problem.title(), problem.detail().to_owned());
        Self::Page { status: problem.status_code(), title, text }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::store(&error)
    }
}

impl From<ShowRefusal> for Refused {
    fn from(refusal: ShowRefusal) -> Self {
        match refusal {
            ShowRefusal::NotFound => {
                Self::not_found("There is none with this id, or its retention has ended.")
            }
            ShowRefusal::Store(error) => Self::store(&error),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn { .. } => f.write_str("nobody is signed in"),
            Self::Page { title, text, .. } => write!(f, "{title}: {text}"),
        }
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignIn { .. } => StatusCode::SEE_OTHER,
            Self::Page { status, .. } => *status,
        }
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.answer(Theme::System)
    }
}

impl Refused {
    /// The page, in a theme.
    #[must_use]
    pub fn answer(&self, theme: Theme) -> HttpResponse {
        match self {
            Self::SignIn { back, has_ended } => {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                if back != "/console" {
                    query.append_pair("back", back);
                }
                if *has_ended {
                    query.append_pair("ended", "1");
                }
                let query = query.finish();
                let mark = if query.is_empty() { "" } else { "?" };
                page::see_other(&format!("/console/sign-in{mark}{query}"))
            }
            Self::Page { status, title, text } => page::alone_in(
                theme,
                *status,
                title,
                &html! {
                    h1 { (title) }
                    p { (text) }
                    p { a href="/console" { "To the console" } }
                },
            ),
        }
    }
}

impl Responder for Refused {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        self.answer(Theme::of(request))
    }
}

//! The theme: as the system has it, light, or dark. Kept in a cookie, so that a page
//! arrives as it is to look.

use actix_web::{HttpRequest, HttpResponse};

use super::cookie::{self, Cookie};
use super::form::Posted;
use super::operator::way_back;
use super::page;
use super::refused::Refused;

const COOKIE: &str = "ringproof_theme";
/// A year, in seconds.
const KEPT: u32 = 365 * 24 * 60 * 60;

/// How pages look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// Every theme.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word in the cookie and in the page.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The one that a browser has chosen.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        cookie::read(request, COOKIE).and_then(Self::parse).unwrap_or(Self::System)
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }
}

/// Keeps the chosen theme for a year.
pub async fn choose(posted: Posted) -> Result<HttpResponse, Refused> {
    let theme = posted.field("theme").and_then(Theme::parse);
    let theme = theme.ok_or_else(|| Refused::unreadable("There is no such theme."))?;
    let mut answer = page::see_other(way_back(posted.field("back").unwrap_or_default()));
    let (value, max_age) = (theme.as_str(), Some(KEPT));
    let cookie = Cookie { name: COOKIE, value, path: "/console", max_age, secure: false };
    cookie::set(&mut answer, &cookie);
    Ok(answer)
}

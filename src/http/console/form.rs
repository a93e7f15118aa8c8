//! Forms that pages post: of this site, of this session, small, and read once.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{HOST, ORIGIN};
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::super::read::{Unread, read_body};
use super::operator::{self, Operator};
use super::refused::Refused;

/// The largest form, in bytes.
const MAX_FORM: usize = 16 * 1024;
/// The field that carries a session's form token.
pub const TOKEN: &str = "form_token";

/// A form that this session's page sent.
pub struct Posted {
    /// Who sent it.
    pub operator: Operator,
    fields: Fields,
}

/// What a form holds, in order.
pub struct Fields(Vec<(String, String)>);

impl Posted {
    /// The first value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.field(name)
    }

    /// Every value of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| &**value)
    }
}

impl Fields {
    /// The first value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// Reads a form that a page of this site sent.
    ///
    /// # Errors
    /// When another site sent it, or it is no form or too large.
    pub async fn read(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Refused> {
        from_here(request)?;
        if !request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Refused::unreadable("A form is application/x-www-form-urlencoded."));
        }
        let body = read_body(request, payload, MAX_FORM).await.map_err(|why| match why {
            Unread::TooLarge => Refused::unreadable("The form is larger than 16 KiB."),
            Unread::TooSlow | Unread::Broken => Refused::unreadable("The form did not arrive."),
        })?;
        let fields = serde_urlencoded::from_bytes(&body);
        fields.map(Self).map_err(|_| Refused::unreadable("The form is not UTF-8."))
    }
}

impl FromRequest for Posted {
    type Error = Refused;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refused>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let fields = Fields::read(&request, &mut payload).await?;
            let operator = operator::of(&request).await?;
            of_session(&operator, fields.field(TOKEN))?;
            Ok(Self { operator, fields })
        })
    }
}

/// That a page of this site sent the request.
///
/// # Errors
/// When the browser does not say so.
pub fn from_here(request: &HttpRequest) -> Result<(), Refused> {
    if is_from_here(request) {
        return Ok(());
    }
    let text = "Another site sent this form, so nothing was done. Open the console and send it from there.";
    Err(Refused::Page {
        status: StatusCode::FORBIDDEN,
        title: "Not sent by this console",
        text: text.to_owned(),
    })
}

/// That a form was made for this session.
///
/// # Errors
/// When it was not.
pub fn of_session(operator: &Operator, token: Option<&str>) -> Result<(), Refused> {
    if operator.session.is_form_token(token.unwrap_or_default()) {
        return Ok(());
    }
    let text = "Nothing was done. Load the page again and send it from there.";
    Err(Refused::Page {
        status: StatusCode::FORBIDDEN,
        title: "The form is of another session",
        text: text.to_owned(),
    })
}

/// Whether a browser says that a page of this site sent the request. `Sec-Fetch-Site` comes
/// over TLS and from this machine; elsewhere the origin must name the host that was asked.
fn is_from_here(request: &HttpRequest) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = header("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = header(ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, asking)| header(HOST.as_str()) == Some(asking))
}

//! Requests over HTTP: signed, sent once, their answers read and typed.
//!
//! What is sent once must never be sent twice by itself. reqwest's own retries
//! are off and redirects are not followed. Below it, hyper tries a request again
//! on another connection only if the pooled connection closed before a single
//! byte of it was written and so handed the whole request back; once writing
//! began, the error comes to us and the answer is unknown. HTTP/1.1 only, so that
//! a broken connection spoils one request and no other.

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use crate::domain::Secret;
use crate::provider::{BuildError, ProviderError, Settings};
use crate::zadarma::form::Params;
use crate::zadarma::sign;
use crate::zadarma::wire::{self, Failure};

/// The longest answer that is read.
const LONGEST_BODY: usize = 64 * 1024;
/// Shorter than the keep-alive of usual servers (5 s and more): a request
/// written to a connection that is just being closed would end as unknown.
const LONGEST_IDLE: Duration = Duration::from_secs(4);
/// Characters of the provider's message that are kept.
const LONGEST_MESSAGE: usize = 200;
/// From how many digits in a row on a message is taken to name a phone number.
const NUMBER_DIGITS: usize = 7;

/// The HTTP client of one account.
pub(super) struct Client {
    base: Url,
    key: String,
    secret: Secret,
    connect_timeout: Duration,
    request_timeout: Duration,
    /// Made at first use, since loading the system's root certificates takes a
    /// start's worth of time.
    http: OnceCell<reqwest::Client>,
}

/// How the parameters travel.
#[derive(Clone, Copy)]
pub(super) enum Verb {
    /// In the query.
    Get,
    /// In a form body.
    Post,
    /// In a form body, as the provider wants it of deletions.
    Delete,
}

/// A file that travels beside the parameters. It is not signed.
pub(super) struct File {
    /// Its name, with the ending that its format has.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// An answer and what came with it.
pub(super) struct Answer<T> {
    /// The answer itself.
    pub result: Result<T, ProviderError>,
    /// The provider's word on its limit, if it gave one.
    pub limit: Option<Limit>,
}

/// What is left of the provider's limit.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    /// Requests left.
    pub left: usize,
    /// Until when they have to last, on the provider's clock.
    pub until: Timestamp,
}

impl Client {
    pub(super) fn new(settings: &Settings) -> Result<Self, BuildError> {
        let base = base_url(&settings.base_url)?;
        let key = settings.key.as_str();
        if key.is_empty() || key.contains(':') || HeaderValue::from_str(key).is_err() {
            return Err(BuildError::UnusableKey);
        }
        Ok(Self {
            base,
            key: key.to_owned(),
            secret: settings.secret.clone(),
            connect_timeout: settings.connect_timeout,
            request_timeout: settings.request_timeout,
            http: OnceCell::new(),
        })
    }

    /// Sends one request, once.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        verb: Verb,
        path: &str,
        params: Params,
    ) -> Answer<T> {
        answered(self.exchange(verb, path, params).await).await
    }

    /// Sends one request with a file, once: its text parts are signed, the file is not.
    pub(super) async fn send_file<T: DeserializeOwned>(
        &self,
        path: &str,
        params: Params,
        file: File,
    ) -> Answer<T> {
        answered(self.exchange_file(path, params, file).await).await
    }

    async fn exchange(
        &self,
        verb: Verb,
        path: &str,
        params: Params,
    ) -> Result<Response, ProviderError> {
        // One text, signed and sent: the server signs what it received.
        let query = params.text("format", "json").query();
        let (mut url, authorization) = self.signed(path, &query)?;
        let http = self.http.get_or_try_init(async || self.connector()).await?;
        let form = |method, url| {
            http.request(method, url).header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        };
        let request = match verb {
            Verb::Get => {
                url.set_query(Some(&query));
                http.request(Method::GET, url)
            }
            Verb::Post => form(Method::POST, url).body(query),
            Verb::Delete => form(Method::DELETE, url).body(query),
        };
        finish(request, authorization).await
    }

    async fn exchange_file(
        &self,
        path: &str,
        params: Params,
        file: File,
    ) -> Result<Response, ProviderError> {
        let params = params.text("format", "json");
        let (url, authorization) = self.signed(path, &params.query())?;
        let mut form = Form::new();
        for (name, value) in params.texts() {
            form = form.text(name.to_owned(), value.to_owned());
        }
        let form = form.part("file", Part::bytes(file.bytes).file_name(file.name));
        let http = self.http.get_or_try_init(async || self.connector()).await?;
        finish(http.request(Method::POST, url).multipart(form), authorization).await
    }

    /// The address of a path, and what signs `query` to it.
    fn signed(&self, path: &str, query: &str) -> Result<(Url, HeaderValue), ProviderError> {
        let authorization = sign::authorization(&self.key, &self.secret, path, query);
        let mut authorization = HeaderValue::from_str(&authorization).map_err(unreachable)?;
        authorization.set_sensitive(true);
        let mut url = self.base.clone();
        url.set_path(path);
        Ok((url, authorization))
    }

    fn connector(&self) -> Result<reqwest::Client, ProviderError> {
        // An error says that one is installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .user_agent(concat!("ringproof/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .pool_idle_timeout(LONGEST_IDLE)
            .connect_timeout(self.connect_timeout)
            .timeout(self.request_timeout);
        let builder = match self.base.scheme() {
            "https" => builder.https_only(true),
            // No TLS, hence no root certificates to look for.
            _ => builder.tls_certs_only([]),
        };
        builder.build().map_err(unreachable)
    }
}

async fn finish(
    request: RequestBuilder,
    authorization: HeaderValue,
) -> Result<Response, ProviderError> {
    let request = request.header(AUTHORIZATION, authorization).header(ACCEPT, "application/json");
    request.send().await.map_err(not_sent_or_unknown)
}

async fn answered<T: DeserializeOwned>(sent: Result<Response, ProviderError>) -> Answer<T> {
    match sent {
        Ok(response) => {
            let limit = limit(response.headers());
            Answer { result: read(response).await, limit }
        }
        Err(error) => Answer { result: Err(error), limit: None },
    }
}

fn base_url(text: &str) -> Result<Url, BuildError> {
    let url = Url::parse(text).map_err(|_| BuildError::NotAUrl)?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url.host_str().unwrap_or_default()) => {}
        _ => return Err(BuildError::Insecure),
    }
    let is_origin = matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if is_origin { Ok(url) } else { Err(BuildError::NotAnOrigin) }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Connecting comes before writing: what fails there was surely not sent.
fn not_sent_or_unknown(error: reqwest::Error) -> ProviderError {
    if error.is_connect() || error.is_builder() {
        return unreachable(error.without_url());
    }
    broken(error)
}

fn unreachable(error: impl Into<Box<dyn Error + Send + Sync>>) -> ProviderError {
    ProviderError::Unreachable { source: error.into() }
}

fn broken(error: reqwest::Error) -> ProviderError {
    let what = if error.is_timeout() { "no answer in time" } else { "the connection broke" };
    let source = Some(error.without_url().into());
    ProviderError::Unknown { message: what.to_owned(), source }
}

fn limit(headers: &HeaderMap) -> Option<Limit> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let left = usize::try_from(number("x-ratelimit-remaining")?).ok()?;
    let until = Timestamp::from_second(number("x-ratelimit-reset")?).ok()?;
    Some(Limit { left, until })
}

/// A redirect is no answer; of an error the status says enough when its body cannot be read.
async fn read<T: DeserializeOwned>(response: Response) -> Result<T, ProviderError> {
    let status = response.status();
    if status.is_redirection() {
        return Err(unknown(format!("a redirect, HTTP status {}", status.as_u16())));
    }
    let body = match body(response).await {
        Ok(body) => body,
        Err(_) if status >= StatusCode::BAD_REQUEST => Vec::new(),
        Err(error) => return Err(error),
    };
    wire::read(status.as_u16(), &body).map_err(|failure| match failure {
        Failure::Refused { message } => ProviderError::Refused { message: shown(&message) },
        Failure::RateLimited => ProviderError::RateLimited,
        Failure::Unauthorized => ProviderError::Unauthorized,
        Failure::Server { status } => {
            unknown(format!("a failure of its own, HTTP status {status}"))
        }
        Failure::Unreadable { status, reason } => {
            unknown(format!("unreadable, HTTP status {status}: {}", shown(&reason)))
        }
    })
}

async fn body(mut response: Response) -> Result<Vec<u8>, ProviderError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > LONGEST_BODY {
            return Err(unknown(format!("longer than {LONGEST_BODY} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

const fn unknown(message: String) -> ProviderError {
    ProviderError::Unknown { message, source: None }
}

/// A text of the provider as it may be logged: of bounded length, on one line,
/// and without phone numbers.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    let mut digits = String::new();
    for character in text.chars().take(LONGEST_MESSAGE).chain(['\n']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        match digits.len() {
            0..NUMBER_DIGITS => shown.push_str(&digits),
            _ => shown.push_str("•••"),
        }
        digits.clear();
        shown.push(if character.is_control() { ' ' } else { character });
    }
    shown.trim_end().to_owned()
}

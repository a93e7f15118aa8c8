//! Posts signed notifications, and remembers each with the answer it got.

use jiff::Timestamp;
use serde::Serialize;

use super::call::{CallId, instant};
use super::events::Fields;
use super::script::ContentType;
use super::world::{World, remember};
use crate::zadarma::{form, notification, sign};

/// A notification as sent.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Posted {
    pub id: u64,
    pub call: Option<CallId>,
    #[serde(serialize_with = "instant")]
    pub at: Timestamp,
    pub url: String,
    pub content_type: ContentType,
    pub fields: Fields,
    /// The `Signature` header.
    pub signature: Option<String>,
    /// The body as sent; absent for multipart.
    pub body: Option<String>,
    /// The answer's HTTP status; absent while it is awaited, and if there was none.
    pub status: Option<u16>,
    pub answer: Option<String>,
    pub error: Option<String>,
}

/// A notification to be sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Letter {
    pub call: Option<CallId>,
    pub url: Option<String>,
    pub fields: Fields,
    pub signature: Signature,
    pub content_type: ContentType,
    pub headers: Vec<(String, String)>,
    /// Sent instead of the encoded fields.
    pub raw_body: Option<String>,
}

/// What stands in the `Signature` header.
#[derive(Clone, Debug, Default)]
pub(super) enum Signature {
    /// The account's signature over the fields.
    #[default]
    Own,
    Given(String),
    None,
}

impl World {
    /// Posts a letter and waits for the answer; `None` if no URL is set.
    pub async fn post(&self, letter: Letter) -> Option<Posted> {
        let url = letter
            .url
            .clone()
            .or_else(|| self.look(|state| state.settings.notification_url.clone()))?;
        let mut posted = self.prepare(url, &letter);
        self.change(|state| {
            posted.id = state.fresh_id();
            remember(&mut state.posted, posted.clone());
        });
        match self.deliver(&posted, &letter.headers).await {
            Ok((status, answer)) => {
                posted.status = Some(status);
                posted.answer = Some(answer);
            }
            Err(error) => {
                // The address holds the receiver's token.
                let error = chain(&error.without_url());
                tracing::warn!(error, "a simulated notification was not delivered");
                posted.error = Some(error);
            }
        }
        self.change(|state| {
            if let Some(kept) = state.posted.iter_mut().rev().find(|kept| kept.id == posted.id) {
                *kept = posted.clone();
            }
        });
        Some(posted)
    }

    /// Posts a call's notification, unless its toggle is off.
    pub async fn notify(&self, call: CallId, fields: Fields, content_type: ContentType) {
        let toggle = value(&fields, "event").to_ascii_lowercase();
        let is_on = self.look(|state| state.toggles.get(toggle.as_str()).copied().unwrap_or(true));
        if is_on {
            let letter = Letter { call: Some(call), fields, content_type, ..Letter::default() };
            self.post(letter).await;
        }
    }

    fn prepare(&self, url: String, letter: &Letter) -> Posted {
        let signature = match &letter.signature {
            Signature::Own => Some(self.sign(&letter.fields)),
            Signature::Given(given) => Some(given.clone()),
            Signature::None => None,
        };
        let encoded = || {
            let pairs = letter.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            form::encode(pairs)
        };
        let body = match (&letter.raw_body, letter.content_type) {
            (Some(raw), _) => Some(raw.clone()),
            (None, ContentType::Urlencoded) => Some(encoded()),
            (None, ContentType::Multipart) => None,
        };
        Posted {
            id: 0,
            call: letter.call,
            at: self.clock.now(),
            url,
            content_type: letter.content_type,
            fields: letter.fields.clone(),
            signature,
            body,
            status: None,
            answer: None,
            error: None,
        }
    }

    fn sign(&self, fields: &Fields) -> String {
        let names = notification::signed_fields(value(fields, "event"));
        let parts: Vec<&str> = names.iter().map(|name| value(fields, name)).collect();
        self.look(|state| {
            sign::signature(state.signing_secret.as_ref().unwrap_or(&state.secret), &parts)
        })
    }

    async fn deliver(
        &self,
        posted: &Posted,
        headers: &[(String, String)],
    ) -> reqwest::Result<(u16, String)> {
        let mut request = self.client.post(&posted.url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(signature) = &posted.signature {
            request = request.header("Signature", signature);
        }
        request = match &posted.body {
            Some(body) => request
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(body.clone()),
            None => {
                let fields = posted.fields.iter().cloned();
                request.multipart(fields.fold(reqwest::multipart::Form::new(), |form, field| {
                    form.text(field.0, field.1)
                }))
            }
        };
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }
}

/// The value of a field; empty if it is absent.
fn value<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

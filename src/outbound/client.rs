//! One signed POST, once: no redirect, no retry, no proxy, nothing read beyond a limit.

use std::error::Error;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{ClientBuilder, Response};
use tokio::sync::OnceCell;

use crate::domain::{SigningSecret, WebhookUrl};

use super::reach::{NotReachable, Reach};
use super::sign::signatures;

/// How long a connection is kept for the next request to the same host.
const LONGEST_IDLE: Duration = Duration::from_secs(4);

/// Two clients, since only with encryption may the public internet be reached.
pub(super) struct Client {
    reach: Reach,
    connect_timeout: Duration,
    /// Made at first use, since loading the system's root certificates takes a
    /// start's worth of time.
    encrypted: OnceCell<reqwest::Client>,
    plain: OnceCell<reqwest::Client>,
}

/// What is sent.
pub(super) struct Message<'a> {
    pub(super) id: &'a str,
    pub(super) secrets: &'a [SigningSecret],
    pub(super) body: Box<[u8]>,
    /// When it is sent, which is signed too.
    pub(super) at: Timestamp,
    /// How long everything may take.
    pub(super) within: Duration,
}

/// Why there is no answer. The texts are shown to apps.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error(transparent)]
    NotReachable(#[from] NotReachable),
    #[error("no connection could be made")]
    NotConnected,
    #[error("no answer came in time")]
    TimedOut,
    #[error("the connection broke before an answer came")]
    Broken,
}

impl Client {
    pub(super) fn new(reach: Reach, connect_timeout: Duration) -> Self {
        let (encrypted, plain) = (OnceCell::new(), OnceCell::new());
        Self { reach, connect_timeout, encrypted, plain }
    }

    /// Sends once; the head of the answer, whatever its status.
    pub(super) async fn post(
        &self,
        url: &WebhookUrl,
        message: Message<'_>,
    ) -> Result<Response, Unanswered> {
        self.reach.may_reach(url)?;
        let Message { id, secrets, body, at, within } = message;
        let signature = signatures(secrets, id, at, &body);
        let client = self.client(url.is_encrypted()).await?;
        let request = client
            .post(url.url().clone())
            .timeout(within)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at.as_second())
            .header("webhook-signature", signature)
            .body(body.into_vec());
        request.send().await.map_err(|error| unanswered(&error))
    }

    /// Whether an address may be reached, as far as its text tells.
    pub(super) fn may_reach(&self, url: &WebhookUrl) -> Result<(), Unanswered> {
        Ok(self.reach.may_reach(url)?)
    }

    pub(super) async fn client(&self, encrypted: bool) -> Result<&reqwest::Client, Unanswered> {
        let kept = if encrypted { &self.encrypted } else { &self.plain };
        kept.get_or_try_init(async || self.connector(encrypted)).await
    }

    fn connector(&self, encrypted: bool) -> Result<reqwest::Client, Unanswered> {
        // An error says that one is installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = ClientBuilder::new()
            .user_agent(concat!("ringproof/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .dns_resolver(self.reach.lookups(encrypted))
            .pool_idle_timeout(LONGEST_IDLE)
            .connect_timeout(self.connect_timeout);
        let builder = match encrypted {
            true => builder.https_only(true),
            // No TLS, hence no root certificates to look for.
            false => builder.tls_certs_only([]),
        };
        builder.build().map_err(|error| unanswered(&error))
    }
}

/// The seconds that an answer asks to be left alone for, as it wrote them.
pub(super) fn retry_after(answer: &Response) -> Option<&str> {
    answer.headers().get(RETRY_AFTER)?.to_str().ok()
}

/// A body of at most `most` bytes; none if it is longer or breaks off.
pub(super) async fn read(mut answer: Response, most: usize) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.ok()? {
        if body.len() + part.len() > most {
            return None;
        }
        body.extend_from_slice(&part);
    }
    Some(body)
}

pub(super) fn unanswered(error: &reqwest::Error) -> Unanswered {
    let mut cause = error.source();
    while let Some(source) = cause {
        if source.is::<NotReachable>() {
            return Unanswered::NotReachable(NotReachable);
        }
        cause = source.source();
    }
    if error.is_timeout() {
        Unanswered::TimedOut
    } else if error.is_connect() || error.is_builder() {
        Unanswered::NotConnected
    } else {
        Unanswered::Broken
    }
}

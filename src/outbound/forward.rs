//! Notifications passed on as they came, to whoever was notified before us: a CRM, say.
//!
//! They are kept in memory and tried a few times; a stop of the process, or a receiver that
//! is away for longer, loses them. Nothing waits for a receiver, and its answer is not read:
//! it can steer no call.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};

use crate::domain::{Name, WebhookUrl};

use super::Outbound;
use super::client::{Client, Unanswered, unanswered};

/// How long to wait before each try.
const TRIES: [Duration; 3] = [Duration::ZERO, Duration::from_secs(5), Duration::from_secs(60)];
/// How many may be under way at once; one more is dropped.
pub(super) const MOST: usize = 256;

/// A notification as it was received.
#[derive(Clone)]
pub struct Forwarded {
    /// Its `Content-Type` header.
    pub content_type: Option<Box<str>>,
    /// Its `Signature` header.
    pub signature: Option<Box<[u8]>>,
    /// Its body.
    pub body: Box<[u8]>,
}

impl Outbound {
    /// Whether an account's notifications are passed on.
    #[must_use]
    pub fn forwards(&self, account: &Name) -> bool {
        self.forwards.contains_key(account)
    }

    /// Passes a notification on; returns once it was taken or given up.
    pub async fn forward(&self, account: &Name, forwarded: Forwarded) {
        let Some(url) = self.forwards.get(account) else { return };
        let Ok(_place) = self.forwarding.try_acquire() else {
            tracing::warn!(account.name = %account, "a notification was not passed on: {MOST} are under way");
            return;
        };
        let mut last = String::new();
        for pause in TRIES {
            self.clock.sleep(pause).await;
            last = match self.client.pass_on(url, &forwarded, self.request_timeout).await {
                Ok(status) if (200..300).contains(&status) => return,
                Ok(status) => format!("it answered {status}"),
                Err(error) => error.to_string(),
            };
        }
        tracing::warn!(
            account.name = %account, error = %last,
            "a notification could not be passed on in {} tries: {last}", TRIES.len(),
        );
    }
}

impl Client {
    /// Sends it once, with nothing of ours added; the status of the answer.
    async fn pass_on(
        &self,
        url: &WebhookUrl,
        forwarded: &Forwarded,
        within: Duration,
    ) -> Result<u16, Unanswered> {
        self.may_reach(url)?;
        let client = self.client(url.is_encrypted()).await?;
        let mut request = client.post(url.url().clone()).timeout(within);
        let signature = forwarded.signature.as_deref().map(HeaderValue::from_bytes);
        if let Some(Ok(signature)) = signature {
            request = request.header("signature", signature);
        }
        if let Some(content_type) = &forwarded.content_type {
            request = request.header(CONTENT_TYPE, &**content_type);
        }
        let answer = request.body(forwarded.body.to_vec()).send().await;
        Ok(answer.map_err(|error| unanswered(&error))?.status().as_u16())
    }
}

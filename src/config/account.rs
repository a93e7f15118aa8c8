//! The sections `[accounts.NAME]`.

use std::str::FromStr;
use std::time::Duration;

use crate::domain::{Secret, WebhookUrl};

use super::secrets;
use super::section::Section;
use super::value;
use crate::domain::Network;

/// Zadarma's address.
const ZADARMA_URL: &str = "https://api.zadarma.com";
/// Where Zadarma documents its notifications to come from.
const ZADARMA_SOURCE: &str = "185.45.152.40/30";

/// An account at a provider.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name in this configuration.
    pub name: String,
    /// Whose account this is.
    pub provider: ProviderKind,
    /// The provider's API, without a `/` at the end.
    pub base_url: String,
    /// The API's key.
    pub key: String,
    /// The API's secret, which also signs notifications.
    pub secret: Secret,
    /// Secrets that still verify notifications.
    pub previous_secrets: Vec<Secret>,
    /// The last part of the notification URL.
    pub notification_token: Secret,
    /// Tokens that are still taken.
    pub previous_notification_tokens: Vec<Secret>,
    /// The number that calls, digits only.
    pub from: Option<String>,
    /// Where notifications come from.
    pub source_addresses: Vec<Network>,
    /// Whether notifications from elsewhere are refused.
    pub require_source: bool,
    /// What `called_did` says in the result of a button call.
    pub result_called_did: Vec<String>,
    /// Where authentic notifications are passed on to.
    pub forward: Option<WebhookUrl>,
    /// The PBX's extensions; empty is to ask the provider.
    pub extensions: Vec<String>,
    /// The account's own numbers, digits only; empty is to ask the provider.
    pub own_numbers: Vec<String>,
    /// What the provider allows in a minute.
    pub requests_per_minute: u32,
    /// What it allows of statistics.
    pub statistics_per_minute: u32,
    /// How long a request may wait for its turn.
    pub queue_deadline: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a request may take.
    pub request_timeout: Duration,
}

/// The providers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// Zadarma, or its stand-in.
    Zadarma,
}

impl Account {
    pub(super) fn read(name: &str, section: &mut Section<'_>) -> Self {
        let zadarma_source = || ZADARMA_SOURCE.parse().into_iter().collect();
        let account = Self {
            name: name.to_owned(),
            provider: section.optional("provider", value::parsed).unwrap_or(ProviderKind::Zadarma),
            base_url: section
                .optional("base_url", value::base_url)
                .unwrap_or_else(|| ZADARMA_URL.to_owned()),
            key: section.value("key", value::word, String::new()),
            secret: secrets::required(section, "secret", secrets::visible),
            previous_secrets: secrets::list(section, "previous_secrets", secrets::visible),
            notification_token: secrets::required(section, "notification_token", secrets::token),
            previous_notification_tokens: secrets::list(
                section,
                "previous_notification_tokens",
                secrets::token,
            ),
            from: section.optional("from", value::phone_digits),
            source_addresses: section.list("source_addresses", value::parsed, zadarma_source()),
            require_source: section.optional("require_source", value::boolean).unwrap_or(true),
            result_called_did: section.list(
                "result_called_did",
                value::digits(1, 15),
                vec!["0".to_owned()],
            ),
            forward: section.optional("forward", super::endpoint::webhook_url).flatten(),
            extensions: section.list("extensions", value::digits(1, 10), Vec::new()),
            own_numbers: section.list("own_numbers", value::phone_digits, Vec::new()),
            requests_per_minute: section
                .optional("requests_per_minute", value::number(1..=1000))
                .unwrap_or(100),
            statistics_per_minute: section
                .optional("statistics_per_minute", value::number(1..=1000))
                .unwrap_or(3),
            queue_deadline: section
                .optional(
                    "queue_deadline",
                    value::duration(Duration::ZERO..=Duration::from_secs(60)),
                )
                .unwrap_or(Duration::from_secs(5)),
            connect_timeout: section
                .optional(
                    "connect_timeout",
                    value::duration(Duration::from_millis(10)..=Duration::from_secs(60)),
                )
                .unwrap_or(Duration::from_secs(3)),
            request_timeout: section
                .optional(
                    "request_timeout",
                    value::duration(Duration::from_millis(10)..=Duration::from_secs(60)),
                )
                .unwrap_or(Duration::from_secs(15)),
        };
        account.check(section);
        account
    }

    /// All tokens under which this account's notifications may come.
    pub fn notification_tokens(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.notification_token).chain(&self.previous_notification_tokens)
    }

    fn check(&self, section: &Section<'_>) {
        if self.source_addresses.is_empty() && self.require_source {
            let message = "is empty while require_source is true, so that every notification would be refused";
            section.clash("source_addresses", "require_source", message);
        }
        if self.result_called_did.is_empty() {
            section
                .wrong("result_called_did", "is empty, so that no call could ever have a result");
        }
        if self.connect_timeout > self.request_timeout {
            section.clash(
                "connect_timeout",
                "request_timeout",
                "must be at most request_timeout, which includes it",
            );
        }
        if let Some(own) = self.result_called_did.iter().find(|did| self.own_numbers.contains(did))
        {
            let message =
                format!("{own} is one of own_numbers: whoever phones it could confirm for others");
            section.wrong("result_called_did", &message);
        }
    }
}

impl FromStr for ProviderKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "zadarma" => Ok(Self::Zadarma),
            _ => Err(format!("must be \"zadarma\", but is {text:?}")),
        }
    }
}

//! The sections `[apps.NAME.endpoints.NAME]` and `[apps.NAME.pre_send]`: where an app is
//! told what happened, and where it is asked before anybody is called.

use std::str::FromStr;
use std::time::Duration;

use crate::domain::{Secret, WebhookUrl};

use super::secrets;
use super::section::Section;
use super::tree::Entry;
use super::value;

/// Where an app is told.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where to.
    pub url: Option<WebhookUrl>,
    /// Signs what is sent.
    pub secret: Secret,
    /// Sign it too, while a change of the secret is under way.
    pub previous_secrets: Vec<Secret>,
    /// What is told.
    pub events: Events,
}

/// What an endpoint is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    /// Changes of status, and results that are disputed.
    Status,
    /// Everything in the timeline.
    Timeline,
}

/// Where an app is asked before anybody is called.
#[derive(Clone, Debug)]
pub struct PreSend {
    /// Where to.
    pub url: Option<WebhookUrl>,
    /// Signs the question.
    pub secret: Secret,
    /// Sign it too, while a change of the secret is under way.
    pub previous_secrets: Vec<Secret>,
    /// How long the answer may take.
    pub timeout: Duration,
    /// What holds without a usable answer.
    pub on_failure: OnFailure,
}

/// What holds when an app does not answer, or not so that it can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Nobody is called.
    Deny,
    /// The start goes on as it is.
    Allow,
}

impl Endpoint {
    pub(super) fn read(_name: &str, section: &mut Section<'_>) -> Self {
        Self {
            url: section.value("url", webhook_url, None),
            secret: secrets::required(section, "secret", secrets::webhook),
            previous_secrets: secrets::list(section, "previous_secrets", secrets::webhook),
            events: section.optional("events", value::parsed).unwrap_or(Events::Status),
        }
    }
}

impl PreSend {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let range = Duration::from_millis(100)..=Duration::from_secs(10);
        Self {
            url: section.value("url", webhook_url, None),
            secret: secrets::required(section, "secret", secrets::webhook),
            previous_secrets: secrets::list(section, "previous_secrets", secrets::webhook),
            timeout: section
                .optional("timeout", value::duration(range))
                .unwrap_or(Duration::from_secs(2)),
            on_failure: section.optional("on_failure", value::parsed).unwrap_or(OnFailure::Deny),
        }
    }
}

/// An address, `None` standing in for one that is wrong.
pub(super) fn webhook_url(entry: &Entry) -> Result<Option<WebhookUrl>, String> {
    let text = value::text(entry)?;
    WebhookUrl::parse(&text).map(Some).map_err(|error| error.to_string())
}

impl FromStr for Events {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "status" => Ok(Self::Status),
            "timeline" => Ok(Self::Timeline),
            _ => Err(format!("must be \"status\" or \"timeline\", but is {text:?}")),
        }
    }
}

impl FromStr for OnFailure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "deny" => Ok(Self::Deny),
            "allow" => Ok(Self::Allow),
            _ => Err(format!("must be \"deny\" or \"allow\", but is {text:?}")),
        }
    }
}

//! The sections `[apps.NAME]`.

use std::collections::BTreeMap;

use crate::domain::{Secret, WebhookUrl};

use super::endpoint::{Endpoint, PreSend};
use super::guard::Guard;
use super::secrets;
use super::section::Section;
use super::value;

/// Settings of an app.
#[derive(Clone, Debug, Default)]
pub struct App {
    /// Web pages that may wait with a token, as browsers write their origin.
    pub allowed_origins: Vec<String>,
    /// Where it is told what happened, by name.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Signs what is sent to the callback address of a start.
    pub callback_secret: Option<Secret>,
    /// Sign it too, while a change of the secret is under way.
    pub previous_callback_secrets: Vec<Secret>,
    /// Where it is asked before anybody is called.
    pub pre_send: Option<PreSend>,
    /// Its own rules, which hold beside those of all apps.
    pub guard: Option<Guard>,
}

impl App {
    pub(super) fn read(_name: &str, section: &mut Section<'_>) -> Self {
        let app = Self {
            allowed_origins: section.list("allowed_origins", value::origin, Vec::new()),
            endpoints: section.named("endpoints", Endpoint::read),
            callback_secret: secrets::optional(section, "callback_secret", secrets::webhook),
            previous_callback_secrets: secrets::list(
                section,
                "previous_callback_secrets",
                secrets::webhook,
            ),
            pre_send: section.optional_section("pre_send", PreSend::read),
            guard: section.optional_section("guard", Guard::read_own),
        };
        if app.callback_secret.is_none() && !app.previous_callback_secrets.is_empty() {
            section.wrong("previous_callback_secrets", "is of no use without callback_secret");
        }
        app
    }

    /// Every address that is sent to, with its key.
    pub(super) fn webhook_urls(&self) -> impl Iterator<Item = (String, &WebhookUrl)> {
        let endpoints = self.endpoints.iter();
        let endpoints =
            endpoints.map(|(name, endpoint)| (format!("endpoints.{name}.url"), &endpoint.url));
        let asked = self.pre_send.iter().map(|asked| ("pre_send.url".to_owned(), &asked.url));
        endpoints.chain(asked).filter_map(|(path, url)| Some((path, url.as_ref()?)))
    }
}

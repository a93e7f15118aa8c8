//! The section `[outbound]`: how what is sent to apps travels, and where it may go.

use std::time::Duration;

use crate::domain::{Network, WebhookUrl, is_public};

use super::section::Section;
use super::value;

/// What holds for everything that is sent to apps.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// Networks beside the public internet that may be reached.
    pub allowed_networks: Vec<Network>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a request may take.
    pub request_timeout: Duration,
}

impl Outbound {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let range = Duration::from_millis(100)..=Duration::from_secs(60);
        let outbound = Self {
            allowed_networks: section.list("allowed_networks", value::parsed, Vec::new()),
            connect_timeout: section.duration("connect_timeout", range.clone()),
            request_timeout: section.duration("request_timeout", range),
        };
        if outbound.connect_timeout > outbound.request_timeout {
            let message = "must be at most request_timeout, which includes it";
            section.clash("connect_timeout", "request_timeout", message);
        }
        outbound
    }

    /// Says why an address could never be reached, as far as its text tells.
    pub(super) fn reaches(&self, url: &WebhookUrl) -> Result<(), &'static str> {
        if !url.is_encrypted() && self.allowed_networks.is_empty() {
            return Err("is unencrypted; http is for hosts in outbound.allowed_networks only");
        }
        let allowed = |address| self.allowed_networks.iter().any(|one| one.contains(address));
        match url.literal() {
            Some(address) if !is_public(address) && !allowed(address) => {
                Err("is not a public address; name its network in outbound.allowed_networks")
            }
            Some(_) | None => Ok(()),
        }
    }
}

//! `doctor`: what is wrong with a deployment, and what to do about it.
//!
//! It asks the provider of each account, and looks at what stands here: store, disk,
//! certificate. It works beside a running service and changes nothing unless told to.

mod account;
mod certificate;
mod here;
mod sounds;

use crate::clock::Clock;
use crate::config::Config;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Ok,
    /// It works, and may not for long, or could not be looked at.
    Warning,
    /// Verifications fail because of it.
    Wrong,
}

impl Mark {
    /// The word that is printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in a word that stays.
    pub about: &'static str,
    /// The account, if it is one's.
    pub account: Option<String>,
    /// How it is.
    pub mark: Mark,
    /// What was found.
    pub found: String,
    /// What to do; nothing if it is as it should be.
    pub advice: Option<String>,
}

/// What the doctor may do.
#[derive(Clone, Copy, Debug)]
pub struct Treatment {
    /// Set the notification URL, turn on notifications and upload the missing sounds that
    /// are shipped or in the store, where that is needed.
    pub fix: bool,
    /// Even where the URL is somebody else's.
    pub replace_url: bool,
    /// Money below which a balance is low, in the account's currency.
    pub floor: f64,
}

/// Looks at everything; `say` is told of each change before it is made.
///
/// # Errors
/// When an account's settings cannot work at all.
pub async fn examine(
    config: &Config,
    treatment: Treatment,
    clock: &Clock,
    say: &mut (dyn FnMut(&str) + Send),
) -> anyhow::Result<Vec<Finding>> {
    super::install_tls();
    let mut findings = here::examine(config, clock).await;
    for account in config.accounts.values() {
        findings.extend(account::examine(config, account, treatment, clock, say).await?);
    }
    Ok(findings)
}

impl Finding {
    fn new(about: &'static str, mark: Mark, found: impl Into<String>) -> Self {
        Self { about, account: None, mark, found: found.into(), advice: None }
    }

    fn ok(about: &'static str, found: impl Into<String>) -> Self {
        Self::new(about, Mark::Ok, found)
    }

    fn warning(about: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..Self::new(about, Mark::Warning, found) }
    }

    fn wrong(about: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..Self::new(about, Mark::Wrong, found) }
    }
}

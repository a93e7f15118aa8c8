//! An account at the provider: keys, clock, money, numbers, PBX, notifications, sounds.

use std::error::Error;

use crate::clock::Clock;
use crate::config::{self, Config};
use crate::domain::{PbxTime, WrittenForm};
use crate::provider::{NotificationSettings, Provider, ProviderError};

use super::super::settings;
use super::{Finding, Treatment, sounds};

/// Zones lie quarters of an hour apart.
const QUARTER: i64 = 900;
/// A small rest of the provider's limit: starts would soon have to wait.
const FEW_REQUESTS: usize = 20;

pub(super) async fn examine(
    config: &Config,
    account: &config::Account,
    treatment: Treatment,
    clock: &Clock,
    say: &mut (dyn FnMut(&str) + Send),
) -> anyhow::Result<Vec<Finding>> {
    let provider = settings::account(account, clock, None)?.provider;
    let mut findings = vec![keys(&provider, account).await];
    if findings[0].advice.is_none() {
        findings.push(balance(&provider, treatment.floor).await);
        findings.extend(time(&provider, config, clock).await);
        findings.push(numbers(&provider, account).await);
        findings.push(pbx(&provider, account).await);
        findings.extend(notifications(&provider, config, account, treatment, say).await);
        findings.extend(sounds::examine(&provider, config, account, treatment, say).await?);
        findings.push(limit(&provider));
    }
    for finding in &mut findings {
        finding.account = Some(account.name.clone());
    }
    Ok(findings)
}

async fn keys(provider: &Provider, account: &config::Account) -> Finding {
    match provider.balance().await {
        Ok(_) => Finding::ok("keys", "the provider accepts key and secret"),
        Err(ProviderError::Unauthorized) => Finding::wrong(
            "keys",
            "the provider does not accept key and secret",
            format!(
                "compare accounts.{0}.key and accounts.{0}.secret with the provider's cabinet, \
                 Settings, Integrations and API, Keys",
                account.name
            ),
        ),
        Err(error) => Finding::wrong(
            "keys",
            format!("the provider was not reached: {}", chain(&error)),
            format!("check the network to {}, then run this again", account.base_url),
        ),
    }
}

async fn balance(provider: &Provider, floor: f64) -> Finding {
    match provider.balance().await {
        Err(error) => unknown("balance", &error),
        Ok(balance) => {
            let found = format!("{} {}", balance.amount, balance.currency);
            match balance.amount.parse::<f64>() {
                Ok(amount) if amount <= 0.0 => Finding::wrong(
                    "balance",
                    format!("{found}: no call can be made"),
                    "top up the account",
                ),
                Ok(amount) if amount < floor => Finding::warning(
                    "balance",
                    format!("{found}, below the floor of {floor}"),
                    "top up the account, or lower --floor",
                ),
                Ok(_) => Finding::ok("balance", found),
                Err(_) => Finding::warning("balance", found, "look at it in the cabinet"),
            }
        }
    }
}

/// The PBX writes civil time without a zone: its difference from UTC is a zone, which may be
/// any, and what is left of it is an error of a clock.
async fn time(provider: &Provider, config: &Config, clock: &Clock) -> Vec<Finding> {
    let PbxTime(pbx) = match provider.pbx_clock().await {
        Ok(pbx) => pbx,
        Err(error) => return vec![unknown("clock", &error)],
    };
    let apart = pbx - clock.now().as_second();
    let zone = (apart + apart.signum() * QUARTER / 2) / QUARTER * QUARTER;
    let wrong_by = apart - zone;
    let tolerance = i64::try_from(config.verification.clock_tolerance.as_secs()).unwrap_or(0);
    let advice =
        "set this machine's clock by NTP; if it is right, the PBX's is not: tell the provider";
    let found = format!("this machine's clock and the PBX's are {} s apart", wrong_by.abs());
    let clock = match wrong_by.abs() {
        0..=2 => Finding::ok("clock", found),
        apart if apart < tolerance => Finding::warning("clock", found, advice),
        _ => Finding::wrong(
            "clock",
            format!("{found}: true results would miss their window"),
            advice,
        ),
    };
    let (sign, zone) = (if zone < 0 { '-' } else { '+' }, zone.abs());
    let zone = format!("the PBX's clock is UTC{sign}{}:{:02}", zone / 3_600, zone / 60 % 60);
    vec![clock, Finding::ok("time_zone", format!("{zone}, which is measured and followed"))]
}

async fn numbers(provider: &Provider, account: &config::Account) -> Finding {
    let numbers = match provider.own_numbers().await {
        Ok(numbers) => numbers,
        Err(error) => return unknown("numbers", &error),
    };
    let key = format!("accounts.{}.from", account.name);
    let is = |number: &str, other: &str| WrittenForm::read(number) == WrittenForm::read(other);
    match &account.from {
        _ if numbers.is_empty() => Finding::wrong(
            "numbers",
            "the account has no number, and calls need one",
            "buy or connect a number in the cabinet",
        ),
        None if numbers.len() > 1 => Finding::wrong(
            "numbers",
            format!("the account has {} numbers, and none is chosen to call from", numbers.len()),
            format!("set {key} to one of: {}", numbers.join(", ")),
        ),
        Some(from) if !numbers.iter().any(|number| is(number, from)) => Finding::wrong(
            "numbers",
            format!("{key} is {from}, which the account does not have"),
            format!("set it to one of: {}", numbers.join(", ")),
        ),
        Some(from) => in_use(provider, from, format!("calls come from {from}")).await,
        None => {
            let found = format!("calls come from {}, the only one", numbers[0]);
            in_use(provider, &numbers[0], found).await
        }
    }
}

/// A number that the account has, and whether the provider has it switched on.
async fn in_use(provider: &Provider, from: &str, found: String) -> Finding {
    let is_from = |number: &str| WrittenForm::read(number) == WrittenForm::read(from);
    match provider.numbers_not_on().await {
        Err(error) => unknown("numbers", &error),
        Ok(not_on) => match not_on.iter().find(|(number, _)| is_from(number)) {
            None => Finding::ok("numbers", found),
            Some((number, status)) => Finding::warning(
                "numbers",
                format!("{found}, and the provider says {status} of {number}, not on"),
                "look at the number in the cabinet, or choose another one to call from",
            ),
        },
    }
}

async fn pbx(provider: &Provider, account: &config::Account) -> Finding {
    let advice = "switch the PBX on in the cabinet and give it an extension";
    match provider.extensions().await {
        Err(ProviderError::Refused { message }) => {
            Finding::wrong("pbx", format!("the provider tells of no PBX: {message}"), advice)
        }
        Err(error) => unknown("pbx", &error),
        Ok(extensions) if extensions.is_empty() => {
            Finding::wrong("pbx", "the PBX has no extension", advice)
        }
        Ok(extensions) => {
            let unknown = account.extensions.iter().find(|one| !extensions.contains(one));
            match unknown {
                Some(unknown) => Finding::warning(
                    "pbx",
                    format!("the PBX has no extension {unknown}, which the configuration lists"),
                    format!(
                        "set accounts.{}.extensions to: {}",
                        account.name,
                        extensions.join(", ")
                    ),
                ),
                None => Finding::ok("pbx", format!("on, with extension {}", extensions.join(", "))),
            }
        }
    }
}

async fn notifications(
    provider: &Provider,
    config: &Config,
    account: &config::Account,
    treatment: Treatment,
    say: &mut (dyn FnMut(&str) + Send),
) -> Vec<Finding> {
    let settings = match provider.notification_settings().await {
        Ok(settings) => settings,
        Err(error) => return vec![unknown("notification_url", &error)],
    };
    let ours = Ours { config, account };
    let url = ours.url(provider, &settings, treatment, say).await;
    let toggles = toggles(provider, settings, treatment, say).await;
    vec![url, toggles]
}

/// The notification URL as it should be.
struct Ours<'a> {
    config: &'a Config,
    account: &'a config::Account,
}

/// What a notification URL is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    OursWithAnOldToken,
    Foreign,
    Nobodys,
}

impl Ours<'_> {
    fn is_of(&self, url: &str, token: &str) -> bool {
        let path = format!("/hooks/zadarma/{token}");
        match &self.config.server.public_url {
            Some(public) => url == format!("{public}{path}"),
            // Unknown is only under which name we are reached.
            None => url.ends_with(&path),
        }
    }

    fn whose(&self, url: Option<&str>) -> Whose {
        let mut old = self.account.previous_notification_tokens.iter();
        match url {
            None => Whose::Nobodys,
            Some(url) if self.is_of(url, self.account.notification_token.expose()) => Whose::Ours,
            Some(url) if old.any(|token| self.is_of(url, token.expose())) => {
                Whose::OursWithAnOldToken
            }
            Some(_) => Whose::Foreign,
        }
    }

    async fn url(
        &self,
        provider: &Provider,
        settings: &NotificationSettings,
        treatment: Treatment,
        say: &mut (dyn FnMut(&str) + Send),
    ) -> Finding {
        let about = "notification_url";
        let known = settings.url.as_deref();
        let whose = self.whose(known);
        let public = self.config.server.public_url.as_deref();
        let told = match whose {
            Whose::Ours => return self.handshake(provider, known.unwrap_or_default()).await,
            Whose::OursWithAnOldToken => {
                "the provider notifies us under a previous token".to_owned()
            }
            Whose::Nobodys => {
                "the provider notifies nobody: no button call can be verified".to_owned()
            }
            Whose::Foreign => format!(
                "the provider notifies somebody else, {}: no button call can be verified",
                known.unwrap_or_default()
            ),
        };
        let Some(public) = public else {
            let advice = "set server.public_url to the address under which the provider reaches \
                          this service, then run this again with --fix";
            return Finding::wrong(about, told, advice);
        };
        if !treatment.fix || (whose == Whose::Foreign && !treatment.replace_url) {
            let mut advice = format!("`ringproof doctor --fix` sets it to {}", shown(public));
            if whose == Whose::Foreign {
                advice = format!(
                    "an account has only one, and a CRM may live on it: \
                     `ringproof doctor --fix --replace-url` replaces it by {}; then have \
                     accounts.{}.forward relay to it",
                    shown(public),
                    self.account.name,
                );
            }
            let only_old = whose == Whose::OursWithAnOldToken;
            return if only_old {
                Finding::warning(about, told, advice)
            } else {
                Finding::wrong(about, told, advice)
            };
        }
        let old = match whose {
            Whose::Foreign => known.unwrap_or_default(),
            Whose::Ours | Whose::OursWithAnOldToken => "ours with a previous token",
            Whose::Nobodys => "none",
        };
        say(&format!("setting the notification URL to {}; it was: {old}", shown(public)));
        let token = self.account.notification_token.expose();
        self.handshake(provider, &format!("{public}/hooks/zadarma/{token}")).await
    }

    /// Has the provider ask our URL, by saving it.
    async fn handshake(&self, provider: &Provider, url: &str) -> Finding {
        let about = "notification_url";
        match provider.set_notification_url(url).await {
            Ok(()) => Finding::ok(about, "the provider notifies us, and reaches us from outside"),
            Err(ProviderError::Refused { message }) => Finding::wrong(
                about,
                format!("the provider does not reach us: {message}"),
                "make sure that the service runs, and that the name, the certificate and the proxy \
                 of server.public_url lead to it from the public internet",
            ),
            Err(error) => unknown(about, &error),
        }
    }
}

async fn toggles(
    provider: &Provider,
    settings: NotificationSettings,
    treatment: Treatment,
    say: &mut (dyn FnMut(&str) + Send),
) -> Finding {
    let about = "notification_toggles";
    let off = settings.off.join(" and ");
    if off.is_empty() {
        return Finding::ok(about, "NOTIFY_END and NOTIFY_OUT_END are on");
    }
    if !treatment.fix {
        let found = format!("{off} off: results of button calls may not come");
        return Finding::wrong(about, found, "`ringproof doctor --fix` turns them on");
    }
    say(&format!("turning on {off}"));
    match provider.turn_on_notifications().await {
        Ok(()) => Finding::ok(about, format!("{off} turned on")),
        Err(error) => unknown(about, &error),
    }
}

fn limit(provider: &Provider) -> Finding {
    match provider.requests_left() {
        None => Finding::ok("rate_limit", "the provider does not tell what is left of it"),
        Some(left) if left < FEW_REQUESTS => Finding::warning(
            "rate_limit",
            format!("{left} requests are left in this minute"),
            "find out what else uses this account's API, or ask the provider for more",
        ),
        Some(left) => Finding::ok("rate_limit", format!("{left} requests are left in this minute")),
    }
}

/// The notification URL without its token.
fn shown(public: &str) -> String {
    format!("{public}/hooks/zadarma/•••")
}

pub(super) fn unknown(about: &'static str, error: &ProviderError) -> Finding {
    let found = format!("the provider did not tell: {}", chain(error));
    Finding::warning(about, found, "run this again")
}

pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

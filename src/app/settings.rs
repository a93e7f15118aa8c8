//! From the configuration's sections to what each room takes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use jiff::SignedDuration;

use super::{outbound, plans};
use crate::clock::Clock;
use crate::config::{self, Config, StoreUrl};
use crate::domain::{CodeSource, Key, Name, PhoneNumber, Secret, Timing};
use crate::guard::Rules;
use crate::intake::{Asking, Policy};
use crate::provider::{self, SharedLine};
use crate::service::{self, Account, CodeSettings, Prompt, PromptKey, PromptSounds, TestDoes};

/// The spans that decide.
#[must_use]
pub fn timing(config: &Config) -> Timing {
    let limits = &config.verification;
    Timing {
        result_window: signed(limits.result_window),
        call_lost_after: signed(limits.call_lost_after),
        result_grace: signed(limits.result_grace),
        clock_tolerance: signed(limits.clock_tolerance),
        redeem_within: signed(limits.redeem_within),
        resend_gap: signed(limits.resend_gap),
        ring_max: signed(limits.ring_max),
        step_wait: signed(limits.step_wait),
        dispatch_lease: match config.store.url {
            // One process knows at its start what it did not finish.
            StoreUrl::Sqlite(_) => SignedDuration::MAX,
            StoreUrl::Postgres(_) => signed(limits.dispatch_lease),
        },
    }
}

/// The configuration's prompts.
pub(super) fn prompts(config: &Config) -> anyhow::Result<BTreeMap<Name, Prompt>> {
    let prompt = |(prompt_name, prompt): (&String, &config::Prompt)| {
        let languages = prompt
            .languages
            .iter()
            .map(|(language, sounds)| Ok((name(language)?, prompt_sounds(sounds))));
        let default_language = prompt.default_language.as_deref().map(name).transpose()?;
        let languages = languages.collect::<anyhow::Result<_>>()?;
        Ok((name(prompt_name)?, Prompt { default_language, languages }))
    };
    config.prompts.iter().map(prompt).collect()
}

pub(super) fn service(config: &Config, timing: Timing) -> anyhow::Result<service::Settings> {
    Ok(service::Settings {
        timing,
        expires_in: signed(config.verification.expires_in),
        max_expires_in: signed(config.verification.max_expires_in),
        max_code_life: signed(config.verification.max_code_life),
        prompts: prompts(config)?,
        plans: plans::plans(&config.plans)?,
        test_numbers: config.test_numbers.values().map(test_number).collect(),
        codes: CodeSettings {
            length: config.codes.length,
            max_checks: config.codes.max_checks,
            max_sends: config.codes.max_sends,
            call_code: code_source(config.channels.call_code),
            sms: code_source(config.channels.sms),
            email: code_source(config.channels.email),
        },
        outbound: outbound::settings(config)?,
        guard: guard(config)?,
    })
}

fn guard(config: &Config) -> anyhow::Result<Rules> {
    let own = config.apps.iter().filter_map(|(app, settings)| Some((app, settings.guard.clone()?)));
    let apps = own.map(|(app, rules)| Ok((name(app)?, rules))).collect::<anyhow::Result<_>>()?;
    Ok(Rules { general: config.guard.clone(), apps })
}

fn test_number(test: &config::TestNumber) -> (PhoneNumber, TestDoes) {
    let does = match &test.does {
        config::TestDoes::Code(code) => TestDoes::Code(code.clone()),
        config::TestDoes::Outcome(outcome) => TestDoes::Outcome(*outcome),
    };
    (test.number, does)
}

pub(super) fn account(
    account: &config::Account,
    clock: &Clock,
    shared: Option<Arc<dyn SharedLine>>,
) -> anyhow::Result<Account> {
    let context = || format!("in accounts.{}", account.name);
    let settings = provider::Settings {
        name: name(&account.name)?,
        base_url: account.base_url.clone(),
        key: account.key.clone(),
        secret: account.secret.clone(),
        requests_per_minute: account.requests_per_minute,
        statistics_per_minute: account.statistics_per_minute,
        queue_deadline: account.queue_deadline,
        connect_timeout: account.connect_timeout,
        request_timeout: account.request_timeout,
    };
    let provider = provider::build(settings, clock.clone(), shared).with_context(context)?;
    let from = account.from.as_ref().map(|from| PhoneNumber::parse(&format!("+{from}")));
    let from =
        from.transpose().map_err(|error| anyhow!("accounts.{}.from: {error}", account.name))?;
    let (own_numbers, extensions) = (account.own_numbers.clone(), account.extensions.clone());
    Ok(Account::new(
        name(&account.name)?,
        provider,
        from,
        own_numbers,
        extensions,
        account.require_source,
    ))
}

pub(super) fn policy(account: &config::Account) -> anyhow::Result<Policy> {
    Ok(Policy {
        account: name(&account.name)?,
        tokens: current_first(&account.notification_token, &account.previous_notification_tokens),
        secrets: current_first(&account.secret, &account.previous_secrets),
        sources: account.source_addresses.clone(),
        require_source: account.require_source,
        result_called_did: account.result_called_did.clone(),
        asks_extensions: account.extensions.is_empty(),
        clock: Asking::default(),
        extensions: Asking::default(),
    })
}

fn prompt_sounds(sounds: &config::PromptSounds) -> PromptSounds {
    PromptSounds {
        greeting: sounds.greeting.clone(),
        confirmed: sounds.confirmed.clone(),
        fallback: sounds.fallback.clone(),
        refuse: sounds.never_again.map(key),
        press: match sounds.press {
            config::PromptKey::Random => PromptKey::Random,
            config::PromptKey::Digit(digit) => PromptKey::Fixed(key(digit)),
        },
    }
}

/// The configuration lets only digits through.
pub(super) fn key(digit: char) -> Key {
    let key = digit.to_digit(10).and_then(|digit| Key::new(u8::try_from(digit).ok()?));
    key.unwrap_or(Key::ONE)
}

pub(super) fn current_first(current: &Secret, previous: &[Secret]) -> Vec<Secret> {
    std::iter::once(current).chain(previous).cloned().collect()
}

const fn code_source(source: config::CodeSource) -> CodeSource {
    match source {
        config::CodeSource::Own => CodeSource::Own,
        config::CodeSource::Provider => CodeSource::Provider,
    }
}

pub(super) fn name(text: &str) -> anyhow::Result<Name> {
    Name::parse(text).map_err(|error| anyhow!("{text:?}: {error}"))
}

/// The configuration bounds every span to days, far inside the range.
pub(super) fn signed(span: Duration) -> SignedDuration {
    SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
}

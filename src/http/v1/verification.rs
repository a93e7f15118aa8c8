//! A verification as answers show it: the same shape after a start, a show, a
//! search; and the little of it that a page with its wait token sees.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{By, Channel, CodeBy, Codes, Level, Sounds, Step, Timing, Verification};

use super::super::problem::instant;
use super::attempt::{AttemptView, StepView};
use super::warning::{Warning, warnings};
use super::words;

/// A verification, as its app sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Verification)]
pub struct View {
    /// Its id.
    #[schema(example = "ver_019d3b2e7c5a7f0c9f2d1a4be8c03f11")]
    id: String,
    /// Where it stands. Everything but `pending` is final.
    #[schema(schema_with = words::status)]
    status: &'static str,
    /// Why it ended; null while it is pending.
    #[schema(schema_with = words::outcome)]
    outcome: Option<&'static str>,
    /// How the person is reached now, or was last.
    #[schema(schema_with = words::channel)]
    channel: &'static str,
    /// The number, E.164, or the e-mail address.
    #[schema(example = "+380991234567")]
    to: String,
    /// The number or address that it comes from; null when the provider chooses.
    from: Option<String>,
    /// The account of the configuration that calls and sends.
    account: String,
    /// The digit that the person is asked to press; null when a code is asked for.
    #[schema(example = "1")]
    press: Option<String>,
    /// Whether the digit was drawn at random, for the app to show.
    random: bool,
    /// The prompt; null when the start gave sounds, or a code is asked for.
    prompt: Option<String>,
    /// The language, where one was given or chosen.
    language: Option<String>,
    /// The sounds that the start gave; null when it named a prompt.
    sounds: Option<SoundsView>,
    /// The app's own reference.
    reference: Option<String>,
    /// The app's own data.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
    /// Where its status changes are sent beside the app's endpoints, if its start named that.
    callback_url: Option<String>,
    /// When it was stored, RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it expires if nothing ends it before.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it ended.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// Whether a later report contradicted the one that decided.
    disputed: bool,
    /// When it was redeemed.
    #[schema(format = DateTime)]
    redeemed_at: Option<String>,
    /// Why the provider did not place the last call or message; null if it did.
    #[schema(schema_with = words::reason)]
    reason: Option<&'static str>,
    /// The least evidence that the start demanded, `partial` or `strong`; null if it demanded none.
    #[schema(schema_with = words::level_or_null)]
    evidence_demanded: Option<&'static str>,
    /// What is worth knowing, though nothing is wrong.
    warnings: Vec<Warning>,
    /// What is tried, in order.
    plan: Vec<StepView>,
    /// The calls and messages.
    attempts: Vec<AttemptView>,
    /// No start of a button call for this number is taken before then.
    #[schema(format = DateTime)]
    retry_at: Option<String>,
    /// Digits of the code; null when none is sent.
    code_length: Option<u8>,
    /// Checks that are left; null when no code is sent.
    checks_left: Option<u8>,
    /// Codes that may still be sent; null when none is.
    sends_left: Option<u8>,
    /// The channel to try next: by `/next` while it is pending, with a new start after
    /// it failed; null when nothing is advised.
    #[schema(schema_with = words::channel_or_null)]
    next_channel: Option<&'static str>,
    /// From when on `/next` is taken; null when it is not.
    #[schema(format = DateTime)]
    next_at: Option<String>,
    /// Whether a key for tests started it with a test number; then no provider was asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
    /// With it a page may show and await this one verification. Only in the answer of a start.
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_token: Option<String>,
}

/// A verification, as a page with its wait token sees it.
#[derive(Serialize, ToSchema)]
pub struct WaitView {
    /// Its id.
    id: String,
    /// Where it stands. Everything but `pending` is final.
    #[schema(schema_with = words::status)]
    status: &'static str,
    /// Why it ended; null while it is pending.
    #[schema(schema_with = words::outcome)]
    outcome: Option<&'static str>,
    /// How the person is reached.
    #[schema(schema_with = words::channel)]
    channel: &'static str,
    /// The digit to show, if it was drawn at random; null otherwise.
    press: Option<String>,
    /// Whether the digit was drawn at random.
    random: bool,
    /// When it was stored.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it expires if nothing ends it before.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it ended.
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// Whether it is a test; then no provider was asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

/// Three sounds, by the provider's ids.
#[derive(Serialize, ToSchema)]
#[schema(as = Sounds)]
pub struct SoundsView {
    /// Played when the call is answered.
    greeting: String,
    /// Played after the key.
    confirmed: String,
    /// Played after another key or none.
    fallback: String,
}

impl View {
    /// The newest version for its app.
    #[must_use]
    pub fn new(verification: &Verification, timing: &Timing) -> Self {
        let end = verification.conclusion();
        let step = verification.current_step();
        let button = step.and_then(Step::button);
        let Said { from, prompt, language, sounds } = step.map(Said::by).unwrap_or_default();
        let calls = verification.attempts.iter().filter(|attempt| !attempt.asks.is_code());
        let retry_at = calls.map(|attempt| attempt.claims_held_until(timing)).max();
        let codes = verification.codes.as_deref();
        let next = verification.asked_step_at(timing).ok();
        Self {
            id: verification.id.to_string(),
            status: verification.status().as_str(),
            outcome: end.map(|end| end.outcome.as_str()),
            channel: step.map_or(Channel::CallButton, Step::channel).as_str(),
            to: verification.to.to_string(),
            from,
            account: step.map(|step| step.account.to_string()).unwrap_or_default(),
            press: button.map(|button| button.press.to_string()),
            random: button.is_some_and(|button| button.random_key),
            prompt,
            language,
            sounds,
            reference: verification.reference.as_deref().map(str::to_owned),
            metadata: verification
                .metadata
                .as_deref()
                .and_then(|text| serde_json::from_str(text).ok()),
            callback_url: verification.callback_url.as_deref().map(str::to_owned),
            created_at: instant(verification.created_at),
            expires_at: instant(verification.expires_at),
            ended_at: end.map(|end| instant(end.at)),
            disputed: end.is_some_and(|end| end.disputed),
            redeemed_at: end.and_then(|end| end.redeemed_at).map(instant),
            reason: verification.refusal().map(|reason| reason.as_str()),
            evidence_demanded: verification.demanded.map(Level::as_str),
            warnings: warnings(verification),
            plan: verification.plan.iter().map(StepView::new).collect(),
            attempts: verification
                .attempts
                .iter()
                .map(|attempt| AttemptView::new(verification, attempt))
                .collect(),
            retry_at: retry_at.map(instant),
            code_length: codes.map(|codes| codes.length),
            checks_left: codes.map(Codes::checks_left),
            sends_left: codes.map(|codes| sends_left(verification, codes)),
            next_channel: verification.advised_channel(timing).map(Channel::as_str),
            next_at: next.map(|(_, at)| instant(at)),
            test: verification.test,
            wait_token: None,
        }
    }

    /// The same with the wait token.
    #[must_use]
    pub fn with_wait_token(mut self, token: &str) -> Self {
        self.wait_token = Some(token.to_owned());
        self
    }
}

impl WaitView {
    /// The newest version for a page.
    #[must_use]
    pub fn new(verification: &Verification) -> Self {
        let end = verification.conclusion();
        let step = verification.current_step();
        let random = step.and_then(Step::button).filter(|button| button.random_key);
        Self {
            id: verification.id.to_string(),
            status: verification.status().as_str(),
            outcome: end.map(|end| end.outcome.as_str()),
            channel: step.map_or(Channel::CallButton, Step::channel).as_str(),
            press: random.map(|button| button.press.to_string()),
            random: random.is_some(),
            created_at: instant(verification.created_at),
            expires_at: instant(verification.expires_at),
            ended_at: end.map(|end| instant(end.at)),
            test: verification.test,
        }
    }
}

fn sends_left(verification: &Verification, codes: &Codes) -> u8 {
    let sent = u8::try_from(verification.sends()).unwrap_or(u8::MAX);
    codes.sends_limit.saturating_sub(sent)
}

/// What a step says and from whom, as far as it was given.
#[derive(Default)]
struct Said {
    from: Option<String>,
    prompt: Option<String>,
    language: Option<String>,
    sounds: Option<SoundsView>,
}

impl Said {
    fn by(step: &Step) -> Self {
        match &step.by {
            By::Button(button) => Self {
                from: button.from.map(|from| from.to_string()),
                ..Self::playing(&button.sounds)
            },
            By::Code(code) => Self {
                from: match &code.by {
                    CodeBy::Call { from } => from.map(|from| from.to_string()),
                    CodeBy::Sms { sender: from, .. }
                    | CodeBy::PlainSms { sender: from, .. }
                    | CodeBy::Email { from, .. } => from.as_deref().map(str::to_owned),
                },
                language: code.language.as_ref().map(ToString::to_string),
                ..Self::default()
            },
        }
    }

    fn playing(sounds: &Sounds) -> Self {
        match sounds {
            Sounds::Prompt { name, language } => Self {
                prompt: Some(name.to_string()),
                language: Some(language.to_string()),
                ..Self::default()
            },
            Sounds::Given { greeting, confirmed, fallback } => {
                let [greeting, confirmed, fallback] =
                    [greeting, confirmed, fallback].map(ToString::to_string);
                let sounds = Some(SoundsView { greeting, confirmed, fallback });
                Self { sounds, ..Self::default() }
            }
        }
    }
}

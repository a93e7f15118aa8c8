//! A verification as answers show it: the same shape after a start, a show, a
//! search; and the little of it that a page with its wait token sees.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{Attempt, Channel, Dispatch, Evidence, Sounds, Step, Timing, Verification};

use super::super::problem::instant;
use super::words;

/// What is always true of the evidence, and must not be overlooked.
const NEVER_SIGNED: &str = "the pressed key itself is never signed";

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
    /// How the person is reached.
    #[schema(schema_with = words::channel)]
    channel: &'static str,
    /// The number, E.164.
    #[schema(example = "+380991234567")]
    to: String,
    /// The number that the call comes from; null when the provider chooses.
    from: Option<String>,
    /// The account of the configuration that calls.
    account: String,
    /// The digit that the person is asked to press.
    #[schema(example = "1")]
    press: String,
    /// Whether the digit was drawn at random, for the app to show.
    random: bool,
    /// The prompt; null when the start gave sounds.
    prompt: Option<String>,
    /// The prompt's language; null when the start gave sounds.
    language: Option<String>,
    /// The sounds that the start gave; null when it named a prompt.
    sounds: Option<SoundsView>,
    /// The app's own reference.
    reference: Option<String>,
    /// The app's own data.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
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
    /// Why the provider did not place the call; null unless the outcome is `provider_refused`.
    #[schema(schema_with = words::reason)]
    reason: Option<&'static str>,
    /// What is worth knowing, though nothing is wrong.
    warnings: Vec<Warning>,
    /// The calls.
    attempts: Vec<AttemptView>,
    /// No start for this number is taken before then.
    #[schema(format = DateTime)]
    retry_at: Option<String>,
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

/// Something worth knowing.
#[derive(Serialize, ToSchema)]
pub struct Warning {
    /// A stable word.
    #[schema(example = "number_not_known_valid")]
    code: &'static str,
    /// The same for people.
    message: &'static str,
}

/// One call.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptView {
    /// Counts from 1.
    number: u8,
    /// How the person is reached.
    #[schema(schema_with = words::channel)]
    channel: &'static str,
    /// What became of asking the provider; `unknown` may have been placed.
    #[schema(schema_with = words::dispatch)]
    dispatch: &'static str,
    /// How the call ended.
    #[schema(schema_with = words::result)]
    result: Option<&'static str>,
    /// The keys that were reported; empty when none was pressed, null before a report.
    pressed: Option<String>,
    /// What was checked of the notification that reported the key.
    evidence: Option<EvidenceView>,
}

/// What was checked of a notification.
#[derive(Serialize, ToSchema)]
#[schema(as = Evidence)]
pub struct EvidenceView {
    /// How far it can be trusted.
    #[schema(schema_with = words::level)]
    level: &'static str,
    /// The checks that held.
    #[schema(schema_with = checks)]
    checks: Vec<&'static str>,
    /// What no check covers.
    note: &'static str,
}

fn checks() -> utoipa::openapi::schema::Array {
    utoipa::openapi::schema::ArrayBuilder::new().items(words::check()).build()
}

impl View {
    /// The newest version for its app.
    #[must_use]
    pub fn new(verification: &Verification, timing: &Timing) -> Self {
        let end = verification.conclusion();
        let step = verification.plan.first();
        let (prompt, language, sounds) =
            step.map_or((None, None, None), |step| sounds(&step.sounds));
        let retry_at =
            verification.attempts.iter().map(|attempt| attempt.claims_held_until(timing)).max();
        Self {
            id: verification.id.to_string(),
            status: verification.status().as_str(),
            outcome: end.map(|end| end.outcome.as_str()),
            channel: step.map_or(Channel::CallButton, Step::channel).as_str(),
            to: verification.to.to_string(),
            from: step.and_then(|step| step.from).map(|from| from.to_string()),
            account: step.map(|step| step.account.to_string()).unwrap_or_default(),
            press: step.map(|step| step.press.to_string()).unwrap_or_default(),
            random: step.is_some_and(|step| step.random_key),
            prompt,
            language,
            sounds,
            reference: verification.reference.as_deref().map(str::to_owned),
            metadata: verification
                .metadata
                .as_deref()
                .and_then(|text| serde_json::from_str(text).ok()),
            created_at: instant(verification.created_at),
            expires_at: instant(verification.expires_at),
            ended_at: end.map(|end| instant(end.at)),
            disputed: end.is_some_and(|end| end.disputed),
            redeemed_at: end.and_then(|end| end.redeemed_at).map(instant),
            reason: verification.refusal().map(|reason| reason.as_str()),
            warnings: warnings(verification),
            attempts: verification.attempts.iter().map(AttemptView::new).collect(),
            retry_at: retry_at.map(instant),
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
        let step = verification.plan.first();
        let random = step.filter(|step| step.random_key);
        Self {
            id: verification.id.to_string(),
            status: verification.status().as_str(),
            outcome: end.map(|end| end.outcome.as_str()),
            channel: step.map_or(Channel::CallButton, Step::channel).as_str(),
            press: random.map(|step| step.press.to_string()),
            random: random.is_some(),
            created_at: instant(verification.created_at),
            expires_at: instant(verification.expires_at),
            ended_at: end.map(|end| instant(end.at)),
        }
    }
}

impl AttemptView {
    fn new(attempt: &Attempt) -> Self {
        let report = attempt.key_report.as_ref();
        let result = report.map(|report| report.result).or(attempt.call_end.map(|end| end.result));
        Self {
            number: attempt.index.saturating_add(1),
            channel: Channel::CallButton.as_str(),
            dispatch: match attempt.dispatch {
                Dispatch::Intended => "intended",
                Dispatch::Accepted => "accepted",
                Dispatch::Refused { .. } => "refused",
                Dispatch::Unknown => "unknown",
            },
            result: result.map(|result| result.as_str()),
            pressed: report.map(|report| report.pressed.to_string()),
            evidence: report.map(|report| EvidenceView::new(report.evidence)),
        }
    }
}

impl EvidenceView {
    /// What was checked, in words.
    #[must_use]
    pub fn new(evidence: Evidence) -> Self {
        Self {
            level: evidence.level().as_str(),
            checks: evidence.checks().map(|check| check.as_str()).collect(),
            note: NEVER_SIGNED,
        }
    }
}

fn warnings(verification: &Verification) -> Vec<Warning> {
    if verification.known_valid {
        return Vec::new();
    }
    let message =
        "the number is possible, but its country's numbering plan does not know it as one in use";
    vec![Warning { code: "number_not_known_valid", message }]
}

fn sounds(sounds: &Sounds) -> (Option<String>, Option<String>, Option<SoundsView>) {
    match sounds {
        Sounds::Prompt { name, language } => {
            (Some(name.to_string()), Some(language.to_string()), None)
        }
        Sounds::Given { greeting, confirmed, fallback } => {
            let [greeting, confirmed, fallback] =
                [greeting, confirmed, fallback].map(ToString::to_string);
            (None, None, Some(SoundsView { greeting, confirmed, fallback }))
        }
    }
}

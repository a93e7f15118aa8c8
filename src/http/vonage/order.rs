//! What `request` and `psd2` have in common: a number, a workflow, and their start.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::domain::{Channel, CodeRules, Name, PhoneNumber};
use crate::service::{
    Caller, StartRequest, WantedBy, WantedCode, WantedPlan, WantedSounds, WantedStep, to_the_end,
};

use super::super::state::State;
use super::answer::{Members, members};
use super::fields::Fields;
use super::locale::{About, language, text};
use super::refusal::Refusal;
use super::shown::request_id;
use super::workflow::{self, Kind, Planned, Timetable, timetable};

/// Checks of one code.
const CHECKS_EACH: u8 = 3;
/// How long the provider's answer is waited for: longer than it may take.
const ANSWER_WITHIN: SignedDuration = SignedDuration::from_secs(30);
/// The longest brand or payee, in characters.
const MAX_NAME: usize = 18;
/// The longest sender.
const MAX_SENDER: usize = 11;

/// Starts what a client ordered, and waits for the provider's answer.
///
/// # Errors
/// In the client's words.
pub async fn start(
    state: &State,
    caller: Caller,
    fields: &Fields,
    about: &About<'_>,
) -> Result<Members, Refusal> {
    let wanted = wanted(state, caller, fields, about)?;
    let service = Arc::clone(&state.service);
    let work = async move { service.start(wanted).await };
    let started = to_the_end(state.service.background(), work).await;
    let verification = started.map_err(|refusal| Refusal::of_start(&refusal))?.verification;
    if let Some(refusal) = Refusal::of_provider(&verification) {
        // A test was refused by its script, and its account was not asked.
        let out_of_credit =
            !verification.test && state.service.is_out_of_credit(&verification).await;
        return Err(if out_of_credit { Refusal::out_of_credit() } else { refusal });
    }
    let mut answer = members([("request_id", &request_id(verification.id)), ("status", "0")]);
    super::shown::mark_test(&mut answer, &verification);
    Ok(answer)
}

/// A name that stands in a text: of the brand, or of the payee.
///
/// # Errors
/// When it is missing, too long, or no text.
pub fn name<'a>(fields: &'a Fields, field: &str) -> Result<&'a str, Refusal> {
    let name = fields.required(field)?;
    let plain = !name.contains(|c: char| c.is_control() || c == '{' || c == '}');
    let fits = name.chars().count() <= MAX_NAME && !name.trim().is_empty();
    if plain && fits { Ok(name) } else { Err(Refusal::invalid(field)) }
}

fn wanted(
    state: &State,
    caller: Caller,
    fields: &Fields,
    about: &About<'_>,
) -> Result<StartRequest, Refusal> {
    let to = number(fields)?;
    let (spoken, sender) = (spoken(fields, about)?, sender(fields)?);
    let length = code_length(fields)?;
    let table = table(state, fields, about)?;
    let says = text(spoken, about);
    let step = |planned: &Planned| step(state, *planned, spoken, sender, &says);
    let steps: Vec<WantedStep> = table.steps.iter().map(step).collect();
    let sends = steps.iter().filter(|step| matches!(step.by, WantedBy::Code { .. })).count();
    Ok(StartRequest {
        evidence: None,
        app: caller.app,
        to: to.into(),
        account: None,
        plan: WantedPlan::Steps(steps),
        language: None,
        code: None,
        code_length: (sends > 0).then_some(length),
        expires_in: Some(SignedDuration::from_secs(table.expires_in.into())),
        reference: None,
        metadata: None,
        callback_url: None,
        idempotency: None,
        rules: CodeRules {
            checks_each: Some(CHECKS_EACH),
            life: Some(SignedDuration::from_secs(table.pin_expiry.into())),
            keeps_typed: true,
        },
        // So that no code is sent again behind the workflow's last step.
        max_sends: u8::try_from(sends).ok(),
        alone: true,
        answer_within: ANSWER_WITHIN,
        test: caller.test,
        client_ip: None,
        rate_keys: Vec::new(),
    })
}

/// The language of the locale that is asked for.
fn spoken(fields: &Fields, about: &About<'_>) -> Result<&'static str, Refusal> {
    let Some(locale) = fields.given("lg") else { return Ok("en") };
    language(locale, about).ok_or_else(|| Refusal::invalid("lg"))
}

fn code_length(fields: &Fields) -> Result<u8, Refusal> {
    match fields.given("code_length") {
        None | Some("4") => Ok(4),
        Some("6") => Ok(6),
        Some(_) => Err(Refusal::invalid("code_length")),
    }
}

/// The workflow's timetable, of those steps that can say what is to be said.
fn table(state: &State, fields: &Fields, about: &About<'_>) -> Result<Timetable, Refusal> {
    let table = timetable(
        fields.number("workflow_id", 1..=workflow::LAST)?.unwrap_or(1),
        fields.number("pin_expiry", 60..=3600)?,
        fields.number("next_event_wait", 60..=900)?,
        |kind| says_all(channel(state, kind), about),
    );
    if table.steps.is_empty() { Err(Refusal::invalid("workflow_id")) } else { Ok(table) }
}

/// International digits, with a plus sign or without; or as a country's people write it.
fn number(fields: &Fields) -> Result<PhoneNumber, Refusal> {
    let text = fields.required("number")?;
    let wrong = |_| Refusal::invalid("number");
    match fields.given("country") {
        Some(country) => {
            let is_code = country.len() == 2 && country.bytes().all(|b| b.is_ascii_alphabetic());
            if !is_code {
                return Err(Refusal::invalid("country"));
            }
            PhoneNumber::parse_in(text, &country.to_ascii_uppercase()).map_err(wrong)
        }
        None => {
            let text = text.trim();
            let digits = text.strip_prefix('+').or_else(|| text.strip_prefix("00")).unwrap_or(text);
            PhoneNumber::parse(&format!("+{digits}")).map_err(wrong)
        }
    }
}

fn sender(fields: &Fields) -> Result<Option<&str>, Refusal> {
    let Some(sender) = fields.given("sender_id") else { return Ok(None) };
    let plain = sender.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ');
    let fits = plain && sender.len() <= MAX_SENDER;
    if fits { Ok(Some(sender)) } else { Err(Refusal::invalid("sender_id")) }
}

/// Which channel carries out a step, as the configuration says.
fn channel(state: &State, kind: Kind) -> Channel {
    match kind {
        Kind::Sms => state.vonage.sms_step,
        Kind::Tts => state.vonage.tts_step,
        Kind::Button => Channel::CallButton,
    }
}

/// Only a text of our own can name payee and amount.
fn says_all(channel: Channel, about: &About<'_>) -> bool {
    match about {
        About::Brand(_) => true,
        About::Payment { .. } => channel == Channel::Sms,
    }
}

fn step(
    state: &State,
    planned: Planned,
    spoken: &str,
    sender: Option<&str>,
    says: &str,
) -> WantedStep {
    let code = |by: WantedCode| WantedBy::Code {
        new_code: planned.new_code,
        language: Name::parse(spoken).ok(),
        by,
    };
    let by = match channel(state, planned.kind) {
        Channel::Sms | Channel::Email => {
            code(WantedCode::PlainSms { sender: sender.map(Into::into), text: says.into() })
        }
        Channel::CallCode => code(WantedCode::Call { from: None }),
        Channel::CallButton => WantedBy::Button {
            from: None,
            sounds: WantedSounds::Prompt { name: None, language: None },
            press: None,
        },
    };
    WantedStep { wait: Some(SignedDuration::from_secs(planned.wait.into())), by }
}

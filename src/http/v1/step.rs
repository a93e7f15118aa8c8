//! The steps of a plan as requests write them, and the values that they hold.

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::{Channel, EmailAddress, Key, Name, PhoneNumber, Recipient};
use crate::service::{
    MAX_TEMPLATE, Press, WantedBy, WantedCode, WantedPlan, WantedSounds, WantedStep,
};

use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::read_under;
use super::words;

/// The longest id or name of a sound.
const MAX_SOUND: usize = 128;
/// The longest sender of an SMS.
const MAX_SENDER: usize = 32;
/// The longest subject.
const MAX_SUBJECT: usize = 256;
/// The longest text of an e-mail.
const MAX_BODY: usize = 4 * 1024;
/// The longest wait of a step, in seconds.
const MAX_WAIT: u32 = 600;

/// A plan: its name in the configuration, or its steps.
#[derive(ToSchema)]
#[schema(as = Plan)]
#[expect(dead_code, reason = "it only describes what is read by hand, to name the field at fault")]
pub enum PlanBody {
    /// A plan of the configuration.
    #[schema(example = "login")]
    Named(String),
    /// The steps.
    Steps(Vec<StepBody>),
}

/// One step. Which fields it has depends on its channel.
#[derive(Deserialize, ToSchema)]
#[schema(as = WantedStep)]
#[serde(deny_unknown_fields)]
pub struct StepBody {
    /// How to reach the person. Default `call_button`.
    #[schema(schema_with = words::channel)]
    pub(super) channel: Option<String>,
    /// Seconds until the next step begins, if this one has not failed before.
    #[schema(minimum = 1, maximum = 600)]
    pub(super) wait: Option<u32>,
    /// Whether the code differs from the one sent before, which is then worth nothing.
    pub(super) new_code: Option<bool>,
    /// `call_button`: the prompt of the configuration.
    pub(super) prompt: Option<String>,
    /// The language.
    pub(super) language: Option<String>,
    /// `call_button`: three sounds of the provider in place of a prompt.
    pub(super) sounds: Option<SoundsBody>,
    /// `call_button`: the key to ask for.
    #[schema(pattern = "^([0-9]|random)$", example = "1")]
    pub(super) press: Option<String>,
    /// The number that a call comes from, or the sender's address of an e-mail.
    pub(super) from: Option<String>,
    /// `sms`: a template of the provider's account, by its id.
    pub(super) template: Option<String>,
    /// `sms`: the sender that the phone shows.
    pub(super) sender: Option<String>,
    /// `email`: the subject.
    pub(super) subject: Option<String>,
    /// `email`: the text, with the marker `{#code#}` where the code is to stand.
    pub(super) body: Option<String>,
}

/// Three sounds of the provider, by id or name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SoundsBody {
    /// Played when the call is answered.
    greeting: String,
    /// Played after the key.
    confirmed: String,
    /// Played after another key or none.
    fallback: String,
}

/// The plan of a request: the one it gives, or the one step that stands in its place.
pub(super) fn plan(given: Option<Value>, alone: StepBody) -> Result<WantedPlan, Problem> {
    let Some(given) = given else {
        return Ok(WantedPlan::Steps(vec![alone.wanted("")?]));
    };
    if let Some(field) = alone.first_given() {
        let detail = format!("Give either a plan or one step; {field:?} belongs to a step.");
        return Err(Problem::field(Code::InvalidField, field, detail));
    }
    match given {
        Value::String(text) => Ok(WantedPlan::Named(name("plan", &text)?)),
        Value::Array(steps) => {
            let step = |(index, step): (usize, Value)| {
                let place = format!("plan.{index}");
                read_under::<StepBody>(&place, step)?.wanted(&format!("{place}."))
            };
            let steps = steps.into_iter().enumerate().map(step);
            Ok(WantedPlan::Steps(steps.collect::<Result<_, _>>()?))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            let detail = "\"plan\" is the name of a plan or a list of steps.";
            Err(Problem::field(Code::InvalidField, "plan", detail))
        }
    }
}

impl StepBody {
    /// The step in the words of the use case; `under` is what its fields' names begin with.
    fn wanted(self, under: &str) -> Result<WantedStep, Problem> {
        let field = |name: &str| format!("{under}{name}");
        let known = Channel::ALL.map(Channel::as_str);
        let word = self.channel.as_deref().unwrap_or(Channel::CallButton.as_str());
        let channel = Channel::parse(word).ok_or_else(|| {
            let detail = format!("There is no such channel; there are: {}.", known.join(", "));
            Problem::field(Code::InvalidField, &field("channel"), detail).with("known", &known[..])
        })?;
        if let Some(name) = self.misplaced(channel) {
            let detail = format!("The field {name:?} does not go with the channel {word}.");
            return Err(Problem::field(Code::InvalidField, &field(name), detail));
        }
        if self.wait.is_some_and(|wait| !(1..=MAX_WAIT).contains(&wait)) {
            let detail = format!("\"wait\" is 1 to {MAX_WAIT} seconds.");
            return Err(
                Problem::field(Code::InvalidField, &field("wait"), detail).with("limit", MAX_WAIT)
            );
        }
        let wait = self.wait.map(|wait| SignedDuration::from_secs(wait.into()));
        let by = match channel {
            Channel::CallButton => WantedBy::Button {
                from: self.from.map(|text| number(&field("from"), &text)).transpose()?,
                press: self.press.map(|text| press(&field("press"), &text)).transpose()?,
                sounds: sounds(under, self.sounds, self.prompt, self.language)?,
            },
            Channel::CallCode | Channel::Sms | Channel::Email => WantedBy::Code {
                new_code: self.new_code.unwrap_or(false),
                language: self
                    .language
                    .as_deref()
                    .map(|text| language(&field("language"), text))
                    .transpose()?,
                by: self.code(channel, under)?,
            },
        };
        Ok(WantedStep { wait, by })
    }

    fn code(self, channel: Channel, under: &str) -> Result<WantedCode, Problem> {
        let field = |name: &str| format!("{under}{name}");
        let text = |name: &str, text: Option<String>, limit: usize| match text {
            Some(text) if !(1..=limit).contains(&text.len()) || has_control(name, &text) => {
                Err(too_long(&field(name), limit))
            }
            text => Ok(text.map(String::into_boxed_str)),
        };
        Ok(match channel {
            Channel::CallButton | Channel::CallCode => WantedCode::Call {
                from: self.from.map(|text| number(&field("from"), &text)).transpose()?,
            },
            Channel::Sms => WantedCode::Sms {
                template: text("template", self.template, MAX_TEMPLATE)?,
                sender: text("sender", self.sender, MAX_SENDER)?,
            },
            Channel::Email => WantedCode::Email {
                from: self.from.map(|text| address(&field("from"), &text)).transpose()?,
                subject: text("subject", self.subject, MAX_SUBJECT)?,
                body: text("body", self.body, MAX_BODY)?,
            },
        })
    }

    /// A field that is given and means nothing to the channel.
    fn misplaced(&self, channel: Channel) -> Option<&'static str> {
        let fits: &[&str] = match channel {
            Channel::CallButton => &["prompt", "sounds", "press", "from", "language", "wait"],
            Channel::CallCode => &["from", "language", "wait", "new_code"],
            Channel::Sms => &["template", "sender", "language", "wait", "new_code"],
            Channel::Email => &["from", "subject", "body", "language", "wait", "new_code"],
        };
        self.given().find(|name| !fits.contains(name))
    }

    fn first_given(&self) -> Option<&'static str> {
        self.channel.as_ref().map(|_| "channel").or_else(|| self.given().next())
    }

    /// The fields that are given, the channel aside.
    fn given(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            ("wait", self.wait.is_some()),
            ("new_code", self.new_code.is_some()),
            ("prompt", self.prompt.is_some()),
            ("language", self.language.is_some()),
            ("sounds", self.sounds.is_some()),
            ("press", self.press.is_some()),
            ("from", self.from.is_some()),
            ("template", self.template.is_some()),
            ("sender", self.sender.is_some()),
            ("subject", self.subject.is_some()),
            ("body", self.body.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(name, _)| name)
    }
}

/// Only the text of an e-mail has lines.
fn has_control(name: &str, text: &str) -> bool {
    name != "body" && text.chars().any(char::is_control)
}

fn sounds(
    under: &str,
    given: Option<SoundsBody>,
    prompt: Option<String>,
    spoken: Option<String>,
) -> Result<WantedSounds, Problem> {
    let Some(SoundsBody { greeting, confirmed, fallback }) = given else {
        return Ok(WantedSounds::Prompt {
            name: prompt.map(|text| name(&format!("{under}prompt"), &text)).transpose()?,
            language: spoken
                .map(|text| language(&format!("{under}language"), &text))
                .transpose()?,
        });
    };
    if prompt.is_some() || spoken.is_some() {
        let detail = "Give either sounds, or a prompt and its language.";
        return Err(Problem::field(Code::InvalidField, &format!("{under}sounds"), detail));
    }
    let sound = |field: &str, text: String| match text.len() {
        1..=MAX_SOUND => Ok(text.into_boxed_str()),
        _ => Err(too_long(&format!("{under}sounds.{field}"), MAX_SOUND)),
    };
    Ok(WantedSounds::Given {
        greeting: sound("greeting", greeting)?,
        confirmed: sound("confirmed", confirmed)?,
        fallback: sound("fallback", fallback)?,
    })
}

pub(super) fn press(field: &str, text: &str) -> Result<Press, Problem> {
    let digit = || text.parse().ok().filter(|_| text.len() == 1).and_then(Key::new);
    match text {
        "random" => Ok(Press::Random),
        _ => digit().map(Press::Fixed).ok_or_else(|| {
            let detail = "\"press\" is one digit, \"0\" to \"9\", or \"random\".";
            Problem::field(Code::InvalidField, field, detail)
        }),
    }
}

/// A number or an e-mail address of the field `field`.
pub(super) fn recipient(field: &str, text: &str) -> Result<Recipient, Problem> {
    if text.contains('@') {
        address(field, text).map(Recipient::Email)
    } else {
        number(field, text).map(Recipient::Phone)
    }
}

fn address(field: &str, text: &str) -> Result<EmailAddress, Problem> {
    EmailAddress::parse(text)
        .map_err(|why| Problem::field(Code::InvalidAddress, field, format!("{field:?}: {why}.")))
}

/// A language of the field `field`, in whatever case; what the provider calls `ua` is `uk`.
pub(super) fn language(field: &str, text: &str) -> Result<Name, Problem> {
    let text = text.to_ascii_lowercase();
    name(field, if text == "ua" { "uk" } else { &text })
}

/// A number of the field `field`.
fn number(field: &str, text: &str) -> Result<PhoneNumber, Problem> {
    PhoneNumber::parse(text)
        .map_err(|why| Problem::field(Code::InvalidNumber, field, format!("{field:?}: {why}.")))
}

/// A name of the field `field`.
pub(super) fn name(field: &str, text: &str) -> Result<Name, Problem> {
    Name::parse(text)
        .map_err(|why| Problem::field(Code::InvalidField, field, format!("{field:?}: {why}.")))
}

/// A field with more bytes than allowed, or with none.
pub(super) fn too_long(field: &str, limit: usize) -> Problem {
    let detail = format!("The field {field:?} may have {limit} bytes.");
    Problem::field(Code::InvalidField, field, detail).with("limit", limit)
}

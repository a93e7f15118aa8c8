//! The sections `[plans.NAME]`.

use std::str::FromStr;
use std::time::Duration;

use super::prompt::PromptKey;
use super::section::Section;
use super::value;
use crate::domain::{Channel, EmailAddress};

/// The longest that a step may take.
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// The most steps of a plan.
const MOST_STEPS: usize = 8;

/// Steps to be tried in order.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<PlanStep>,
}

/// One step of a plan.
#[derive(Clone, Debug)]
pub struct PlanStep {
    /// How long it may take before the next one begins.
    pub wait: Option<Duration>,
    /// How the person is reached.
    pub by: PlanBy,
}

/// How a step reaches the person.
#[derive(Clone, Debug)]
pub enum PlanBy {
    /// A call that asks for a key.
    Button {
        /// The number that calls, digits only.
        from: Option<String>,
        /// The prompt.
        prompt: Option<String>,
        /// Its language.
        language: Option<String>,
        /// The key to ask for.
        press: Option<PromptKey>,
    },
    /// A code.
    Code {
        /// Whether it differs from the one sent before.
        new_code: bool,
        /// The language of what is said around it.
        language: Option<String>,
        /// How it travels.
        by: PlanCode,
    },
}

/// How a code travels.
#[derive(Clone, Debug)]
pub enum PlanCode {
    /// By a call from this number, digits only.
    Call(Option<String>),
    /// By SMS.
    Sms {
        /// A template of the provider's account.
        template: Option<String>,
        /// The sender that the phone shows.
        sender: Option<String>,
    },
    /// By e-mail.
    Email {
        /// The sender's address.
        from: Option<EmailAddress>,
        /// Its subject.
        subject: Option<String>,
        /// Its text.
        body: Option<String>,
    },
}

/// A channel's word.
struct Word(Channel);

impl Plan {
    pub(super) fn read(_name: &str, section: &mut Section<'_>) -> Self {
        let steps = section.sections("steps", PlanStep::read);
        if !(1..=MOST_STEPS).contains(&steps.len()) {
            section.wrong("steps", &format!("must be 1 to {MOST_STEPS} steps"));
        }
        Self { steps }
    }
}

impl PlanStep {
    fn read(section: &mut Section<'_>) -> Self {
        let wait = section.optional("wait", value::duration(Duration::from_secs(1)..=LONGEST_WAIT));
        let Word(channel) = section.value("channel", value::parsed, Word(Channel::CallButton));
        let by = match channel {
            Channel::CallButton => PlanBy::Button {
                from: section.optional("from", value::phone_digits),
                prompt: section.optional("prompt", value::word),
                language: section.optional("language", value::word),
                press: section.optional("press", value::parsed),
            },
            Channel::CallCode | Channel::Sms | Channel::Email => PlanBy::Code {
                new_code: section.optional("new_code", value::boolean).unwrap_or(false),
                language: section.optional("language", value::word),
                by: PlanCode::read(channel, section),
            },
        };
        Self { wait, by }
    }
}

impl PlanCode {
    fn read(channel: Channel, section: &mut Section<'_>) -> Self {
        match channel {
            Channel::CallButton | Channel::CallCode => {
                Self::Call(section.optional("from", value::phone_digits))
            }
            Channel::Sms => Self::Sms {
                template: section.optional("template", value::word),
                sender: section.optional("sender", value::text),
            },
            Channel::Email => Self::Email {
                from: section.optional("from", |entry| {
                    let text = value::text(entry)?;
                    EmailAddress::parse(&text).map_err(|error| error.to_string())
                }),
                subject: section.optional("subject", value::text),
                body: section.optional("body", value::text),
            },
        }
    }
}

impl FromStr for Word {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Channel::ALL.map(Channel::as_str).join(", ");
        let wrong = || format!("must be one of {known}, but is {text:?}");
        Channel::parse(text).map(Self).ok_or_else(wrong)
    }
}

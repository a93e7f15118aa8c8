//! The section `[vonage]`: how the steps of Vonage's workflows reach people.

use std::str::FromStr;

use super::section::Section;
use super::value;
use crate::domain::Channel;

/// How the steps of Vonage's workflows reach people.
#[derive(Clone, Copy, Debug)]
pub struct Vonage {
    /// What carries out an SMS.
    pub sms_step: Channel,
    /// What carries out a spoken code.
    pub tts_step: Channel,
}

/// A channel that reaches phones.
struct ByPhone(Channel);

impl Vonage {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let mut step = |key: &str, channel| {
            let ByPhone(channel) = section.value(key, value::parsed, ByPhone(channel));
            channel
        };
        Self {
            sms_step: step("sms_step", Channel::Sms),
            tts_step: step("tts_step", Channel::CallCode),
        }
    }
}

impl FromStr for ByPhone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = [Channel::Sms, Channel::CallCode, Channel::CallButton];
        let found = known.into_iter().find(|channel| channel.as_str() == text);
        let words = known.map(Channel::as_str).join(", ");
        found.map(Self).ok_or_else(|| format!("must be one of {words}, but is {text:?}"))
    }
}

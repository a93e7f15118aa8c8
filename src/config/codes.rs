//! The sections `[codes]` and `[channels.NAME]`.

use std::str::FromStr;

use super::section::Section;
use super::value;

/// How codes are made, and how often they may be sent and checked.
#[derive(Clone, Debug)]
pub struct Codes {
    /// Digits, unless the request says otherwise.
    pub length: u8,
    /// Checks of one verification in all.
    pub max_checks: u8,
    /// Codes that one verification may send in all.
    pub max_sends: u8,
}

/// Who makes and checks the codes of each channel.
#[derive(Clone, Debug)]
pub struct Channels {
    /// Said by call.
    pub call_code: CodeSource,
    /// By SMS.
    pub sms: CodeSource,
    /// By e-mail.
    pub email: CodeSource,
}

/// Who makes and checks a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeSource {
    /// This service.
    Own,
    /// The provider.
    Provider,
}

impl Codes {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            length: section.value("length", value::number(4..=10), 6),
            max_checks: section.value("max_checks", value::number(1..=10), 5),
            max_sends: section.value("max_sends", value::number(1..=10), 3),
        }
    }
}

impl Channels {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let mut source = |channel: &str| {
            section.section(channel, |section| {
                section.value("code_source", value::parsed, CodeSource::Own)
            })
        };
        Self { call_code: source("call_code"), sms: source("sms"), email: source("email") }
    }
}

impl FromStr for CodeSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "own" => Ok(Self::Own),
            "provider" => Ok(Self::Provider),
            _ => Err(format!("must be \"own\" or \"provider\", but is {text:?}")),
        }
    }
}

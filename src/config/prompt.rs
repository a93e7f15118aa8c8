//! The sections `[prompts.NAME.LANGUAGE]`.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::section::Section;
use super::value;

/// A named set of sounds, by language.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The sounds by language code.
    pub languages: BTreeMap<String, PromptSounds>,
}

/// The sounds of a prompt in one language, each by the provider's id or its name there.
#[derive(Clone, Debug)]
pub struct PromptSounds {
    /// What the person hears first.
    pub greeting: String,
    /// What follows the right key.
    pub confirmed: String,
    /// What follows anything else.
    pub fallback: String,
    /// The key that the greeting names.
    pub press: PromptKey,
}

/// Which key a greeting asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptKey {
    /// This digit, `'0'` to `'9'`.
    Digit(char),
    /// The digit that the app shows.
    Random,
}

impl Prompt {
    pub(super) fn read(_name: &str, section: &mut Section<'_>) -> Self {
        let rule = "a language is two or three lower-case letters, such as \"en\"";
        let prompt = Self {
            languages: section.each(is_language, rule, |_, section| PromptSounds::read(section)),
        };
        if prompt.languages.is_empty() {
            section.wrong("", "has no language; write its sounds under its name and a language");
        }
        prompt
    }
}

impl PromptSounds {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            greeting: section.value("greeting", value::text, String::new()),
            confirmed: section.value("confirmed", value::text, String::new()),
            fallback: section.value("fallback", value::text, String::new()),
            press: section.value("press", value::parsed, PromptKey::Random),
        }
    }
}

impl FromStr for PromptKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut letters = text.chars();
        match (text, letters.next(), letters.next()) {
            ("random", ..) => Ok(Self::Random),
            (_, Some(digit @ '0'..='9'), None) => Ok(Self::Digit(digit)),
            _ => Err(format!("must be one digit, such as \"1\", or \"random\", but is {text:?}")),
        }
    }
}

fn is_language(code: &str) -> bool {
    (2..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase())
}

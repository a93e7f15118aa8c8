//! How a prompt looks in answers, and what can be wrong with one.

use serde::Serialize;
use utoipa::ToSchema;

use crate::service::{MissingSound, PromptKey, PromptRefusal, PromptSounds, PromptState};

use super::super::error::Code;
use super::super::problem::{Problem, instant, sentence};

/// A prompt.
#[derive(Serialize, ToSchema)]
#[schema(as = Prompt)]
pub struct PromptView {
    /// Its name, which starts give.
    name: String,
    /// Where it is written: `configuration` or `store`. Only one in the store can be changed here.
    source: &'static str,
    /// The language of those who are to be spoken to in one that it does not have; null: `en`
    /// or the first.
    default_language: Option<String>,
    /// When it was last changed; null for one of the configuration.
    #[schema(format = DateTime)]
    changed_at: Option<String>,
    /// Its sounds, by language.
    languages: Vec<PromptLanguageView>,
    /// What it lacks at a provider: starts with it are refused there.
    missing: Vec<MissingSoundView>,
}

/// A prompt's sounds in one language.
#[derive(Serialize, ToSchema)]
#[schema(as = PromptLanguage)]
pub struct PromptLanguageView {
    /// The language.
    language: String,
    /// Played on answer: a sound's name, `NAME@VERSION`, or the provider's id or name of one.
    greeting: String,
    /// Played after the key.
    confirmed: String,
    /// Played after another key or none.
    fallback: String,
    /// The key that the greeting names, `0` to `9`, or `random`.
    press: String,
    /// The key that the greeting names for never being called again, `0` to `9`, another one than
    /// `press`; null: none. Pressed, it ends the verification with `not_me` and suppresses the number.
    never_again: Option<String>,
}

/// A sound that a prompt names and a provider does not have.
#[derive(Serialize, ToSchema)]
#[schema(as = MissingSound)]
pub struct MissingSoundView {
    /// The account that lacks it.
    account: String,
    /// The language.
    language: String,
    /// `greeting`, `confirmed` or `fallback`.
    part: &'static str,
    /// As the prompt names it.
    sound: String,
}

impl PromptView {
    pub(super) fn new(state: &PromptState) -> Self {
        let languages = state.prompt.languages.iter().map(|(language, sounds)| {
            let PromptSounds { greeting, confirmed, fallback, press, refuse } = sounds.clone();
            let press = match press {
                PromptKey::Fixed(key) => key.to_string(),
                PromptKey::Random => "random".to_owned(),
            };
            PromptLanguageView {
                language: language.to_string(),
                greeting,
                confirmed,
                fallback,
                press,
                never_again: refuse.map(|key| key.to_string()),
            }
        });
        Self {
            name: state.name.to_string(),
            source: if state.configured { "configuration" } else { "store" },
            default_language: state.prompt.default_language.as_ref().map(ToString::to_string),
            changed_at: state.changed_at.map(instant),
            languages: languages.collect(),
            missing: state.missing.iter().map(MissingSoundView::new).collect(),
        }
    }
}

impl MissingSoundView {
    fn new(missing: &MissingSound) -> Self {
        Self {
            account: missing.account.to_string(),
            language: missing.language.to_string(),
            part: missing.part,
            sound: missing.sound.clone(),
        }
    }
}

/// What a prompt that was not changed is answered with.
pub(super) fn refused(refusal: PromptRefusal) -> Problem {
    let detail = sentence(&refusal);
    match refusal {
        PromptRefusal::Configured(_) => Problem::new(Code::PromptConfigured, detail),
        PromptRefusal::NotFound => Problem::new(Code::NotFound, detail),
        PromptRefusal::Languages | PromptRefusal::NoLanguage(_) | PromptRefusal::SameKey { .. } => {
            Problem::field(Code::InvalidField, "languages", detail)
        }
        PromptRefusal::Default(_) => Problem::field(Code::InvalidField, "default_language", detail),
        PromptRefusal::SoundName => Problem::field(Code::InvalidField, "languages", detail),
        PromptRefusal::Missing(_) => Problem::field(Code::SoundMissing, "languages", detail),
        PromptRefusal::Store(error) => Problem::store(&error),
    }
}

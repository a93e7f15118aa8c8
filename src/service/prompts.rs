//! Prompts: those of the configuration and those made by API, and what they lack.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Account, Actor, Administered, Service};
use crate::domain::{Key, Name, is_language};
use crate::sounds::{Prompt, PromptKey, PromptSounds};
use crate::store::{PromptLanguage, PromptRow, StoreError};

/// The most languages of a prompt.
const MOST_LANGUAGES: usize = 100;
/// The longest name or id of a sound, in bytes.
const LONGEST_SOUND: usize = 128;

/// A prompt as it is now.
#[derive(Clone, Debug)]
pub struct PromptState {
    /// Its name.
    pub name: Name,
    /// What it plays.
    pub prompt: Prompt,
    /// Whether it is one of the configuration.
    pub configured: bool,
    /// When it was stored; not for one of the configuration.
    pub changed_at: Option<Timestamp>,
    /// What it lacks at a provider, as far as that is known.
    pub missing: Vec<MissingSound>,
}

/// A sound that a prompt names and a provider does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingSound {
    /// The account that lacks it.
    pub account: Name,
    /// The prompt.
    pub prompt: Name,
    /// The language.
    pub language: Name,
    /// `greeting`, `confirmed` or `fallback`.
    pub part: &'static str,
    /// As the prompt names it.
    pub sound: String,
}

/// A prompt to be stored.
#[derive(Clone, Debug)]
pub struct NewPrompt {
    /// The language of those who are to be spoken to in one that it does not have.
    pub default_language: Option<Name>,
    /// Its sounds, by language.
    pub languages: BTreeMap<Name, PromptSounds>,
}

/// Why a prompt was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PromptRefusal {
    /// It is one of the configuration.
    #[error("the prompt {0} is one of the configuration; change it there, or choose another name")]
    Configured(Name),
    /// There is none.
    #[error("there is no stored prompt of this name")]
    NotFound,
    /// It has no language, or too many.
    #[error("a prompt has 1 to {MOST_LANGUAGES} languages")]
    Languages,
    /// What names a language does not.
    #[error(
        "{0:?} is no language; a language is two or three letters, perhaps with a region, such as en or pt-br"
    )]
    NoLanguage(Name),
    /// Its default is none of its languages.
    #[error("the default language {0} is none of the prompt's languages")]
    Default(Name),
    /// One key would say both.
    #[error(
        "the key for never being called again must be another one than the key to press, {key} in {language}"
    )]
    SameKey {
        /// The language in which it would.
        language: Name,
        /// That key.
        key: Key,
    },
    /// A sound's name is empty or too long.
    #[error("a sound is named by 1 to {LONGEST_SOUND} bytes")]
    SoundName,
    /// Sounds are not there.
    #[error("there is no such sound; upload it first: {}", sounds(.0))]
    Missing(Vec<MissingSound>),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn sounds(missing: &[MissingSound]) -> String {
    let one = |of: &MissingSound| {
        format!("{:?} ({} in {}, account {})", of.sound, of.part, of.language, of.account)
    };
    missing.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl Service {
    /// Every prompt, by name.
    #[must_use]
    pub fn list_prompts(&self) -> Vec<PromptState> {
        let known = self.catalogue.now();
        known.prompts.keys().filter_map(|name| self.show_prompt(name)).collect()
    }

    /// A prompt.
    #[must_use]
    pub fn show_prompt(&self, name: &Name) -> Option<PromptState> {
        let known = self.catalogue.now();
        let prompt = known.prompts.get(name)?.clone();
        let configured = self.catalogue.is_configured(name);
        let row = known.stored.get(name).filter(|_| !configured);
        Some(PromptState {
            missing: self.missing_of(name, &prompt),
            name: name.clone(),
            prompt,
            configured,
            changed_at: row.map(|row| row.changed_at),
        })
    }

    /// Stores a prompt in place of one with that name; whether it is new.
    ///
    /// # Errors
    /// See [`PromptRefusal`]; then nothing was stored.
    pub async fn put_prompt(
        &self,
        name: Name,
        new: NewPrompt,
        by: &Actor,
    ) -> Result<bool, PromptRefusal> {
        if self.catalogue.is_configured(&name) {
            return Err(PromptRefusal::Configured(name));
        }
        check(&new)?;
        self.catalogue.refresh().await?;
        let NewPrompt { default_language, languages } = new;
        let prompt = Prompt { default_language, languages };
        // What one account has may be enough: starts name their account.
        let missing = self.missing_of(&name, &prompt);
        let is_nowhere = |account: &Account| missing.iter().any(|m| m.account == account.name);
        if !missing.is_empty() && self.accounts.iter().all(is_nowhere) {
            return Err(PromptRefusal::Missing(missing));
        }
        let done = Administered {
            action: "prompt.stored",
            subject: name.to_string(),
            before: self.catalogue.now().prompts.get(&name).map(told),
            after: Some(told(&prompt)),
        };
        self.audit(by, done).await?;
        let row = PromptRow {
            name,
            default_language: prompt.default_language,
            changed_at: self.clock.now(),
            languages: prompt.languages.into_iter().map(row).collect(),
        };
        let is_new = self.store.put_prompt(row).await?;
        self.catalogue.refresh().await?;
        Ok(is_new)
    }

    /// Deletes a stored prompt.
    ///
    /// # Errors
    /// See [`PromptRefusal`].
    pub async fn delete_prompt(&self, name: &Name, by: &Actor) -> Result<(), PromptRefusal> {
        if self.catalogue.is_configured(name) {
            return Err(PromptRefusal::Configured(name.clone()));
        }
        self.catalogue.refresh().await?;
        let known = self.catalogue.now();
        let before = known.prompts.get(name).ok_or(PromptRefusal::NotFound)?;
        let done = Administered {
            action: "prompt.deleted",
            subject: name.to_string(),
            before: Some(told(before)),
            after: None,
        };
        self.audit(by, done).await?;
        let deleted = self.store.delete_prompt(name).await?;
        self.catalogue.refresh().await?;
        if deleted { Ok(()) } else { Err(PromptRefusal::NotFound) }
    }

    /// Every sound that a prompt names and a provider does not have, as far as that is
    /// known: of an account that has not told its sounds yet, nothing is missing.
    #[must_use]
    pub fn missing_sounds(&self) -> Vec<MissingSound> {
        let known = self.catalogue.now();
        known.prompts.iter().flat_map(|(name, prompt)| self.missing_of(name, prompt)).collect()
    }

    /// Warns of every sound that a prompt names and the account does not have, so
    /// that it is not found out at the first call.
    pub fn warn_of_missing_sounds(&self, account: &Account) {
        for missing in self.missing_sounds() {
            if missing.account == account.name {
                let sound = &missing.sound;
                tracing::warn!(
                    account.name = %account.name, prompt = %missing.prompt,
                    language = %missing.language, sound,
                    "the provider has no sound {sound:?}; starts with this prompt are refused until it is uploaded or the prompt is mended",
                );
            }
        }
    }

    fn missing_of(&self, name: &Name, prompt: &Prompt) -> Vec<MissingSound> {
        let mut missing = Vec::new();
        for account in &self.accounts {
            for (language, sounds) in &prompt.languages {
                for (part, sound) in sounds.parts() {
                    if self.sound_id(account, sound).is_err() {
                        missing.push(MissingSound {
                            account: account.name.clone(),
                            prompt: name.clone(),
                            language: language.clone(),
                            part,
                            sound: sound.to_owned(),
                        });
                    }
                }
            }
        }
        missing
    }
}

fn check(new: &NewPrompt) -> Result<(), PromptRefusal> {
    if !(1..=MOST_LANGUAGES).contains(&new.languages.len()) {
        return Err(PromptRefusal::Languages);
    }
    if let Some(wrong) = new.languages.keys().find(|language| !is_language(language.as_str())) {
        return Err(PromptRefusal::NoLanguage(wrong.clone()));
    }
    let default = new.default_language.as_ref();
    if let Some(wrong) = default.filter(|default| !new.languages.contains_key(*default)) {
        return Err(PromptRefusal::Default(wrong.clone()));
    }
    for (language, sounds) in &new.languages {
        if let Some(key) = sounds.refuse.filter(|key| sounds.press == PromptKey::Fixed(*key)) {
            return Err(PromptRefusal::SameKey { language: language.clone(), key });
        }
    }
    let is_named = |sound: &str| (1..=LONGEST_SOUND).contains(&sound.len());
    let mut all = new.languages.values().flat_map(PromptSounds::parts);
    if all.all(|(_, sound)| is_named(sound)) { Ok(()) } else { Err(PromptRefusal::SoundName) }
}

/// A prompt as the audit log has it.
fn told(prompt: &Prompt) -> Value {
    let mut languages = Map::new();
    for (language, sounds) in &prompt.languages {
        let press = match sounds.press {
            PromptKey::Fixed(key) => key.to_string(),
            PromptKey::Random => "random".to_owned(),
        };
        let parts = [&sounds.greeting, &sounds.confirmed, &sounds.fallback];
        let mut told = json!({ "sounds": parts, "press": press });
        if let Some(key) = sounds.refuse {
            told["never_again"] = json!(key.to_string());
        }
        languages.insert(language.to_string(), told);
    }
    Value::Object(languages)
}

fn row((language, sounds): (Name, PromptSounds)) -> PromptLanguage {
    PromptLanguage {
        language,
        greeting: sounds.greeting.into(),
        confirmed: sounds.confirmed.into(),
        fallback: sounds.fallback.into(),
        press: match sounds.press {
            PromptKey::Fixed(key) => Some(key),
            PromptKey::Random => None,
        },
        never_again: sounds.refuse,
    }
}

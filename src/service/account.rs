//! Provider accounts as the use cases see them, and prompts.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::domain::{Key, Name, PbxTime, PhoneNumber, WrittenForm};
use crate::provider::{Provider, ProviderError, Sound};

use super::{Offsets, Service};

/// One account at a provider.
pub struct Account {
    /// Its name in the configuration.
    pub name: Name,
    /// What calls.
    pub provider: Provider,
    /// The number that calls come from unless the app names one.
    pub from: Option<PhoneNumber>,
    /// The account's own numbers by configuration; empty is to ask the provider.
    pub own_numbers: Vec<String>,
    /// The PBX's extensions by configuration; empty is to ask the provider.
    pub extensions: Vec<String>,
    facts: RwLock<Arc<Facts>>,
    /// Whether clock and sounds are known; written with the facts, at each answer.
    known: watch::Sender<bool>,
}

/// What the provider last told of the account. Written by `refresh` and
/// `measure`, read by copying the reference.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The account's own numbers, which are never called.
    pub own_numbers: Vec<WrittenForm>,
    /// The PBX's extensions.
    pub extensions: Vec<String>,
    /// The sounds at the provider; `None` before they are known.
    pub sounds: Option<Vec<Sound>>,
    /// The provider's civil time against ours.
    pub offsets: Offsets,
}

/// A prompt of the configuration.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Its sounds, by language.
    pub languages: BTreeMap<Name, PromptSounds>,
}

/// The sounds of a prompt in one language, each by the provider's id or by its name there.
#[derive(Clone, Debug)]
pub struct PromptSounds {
    /// Played when the call is answered.
    pub greeting: String,
    /// Played after the key.
    pub confirmed: String,
    /// Played after another key or none.
    pub fallback: String,
    /// The key that the greeting names.
    pub press: PromptKey,
}

/// The key that a greeting names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptKey {
    /// This one.
    Fixed(Key),
    /// The one on the person's screen.
    Random,
}

impl Account {
    /// An account of which the provider has told nothing yet.
    #[must_use]
    pub fn new(
        name: Name,
        provider: Provider,
        from: Option<PhoneNumber>,
        own_numbers: Vec<String>,
        extensions: Vec<String>,
    ) -> Self {
        let mut facts = Facts { extensions: extensions.clone(), ..Facts::default() };
        facts.own_numbers =
            own_numbers.iter().filter_map(|number| WrittenForm::read(number)).collect();
        Self {
            name,
            provider,
            from,
            own_numbers,
            extensions,
            facts: RwLock::new(Arc::new(facts)),
            known: watch::Sender::new(false),
        }
    }

    /// What the provider last told.
    #[must_use]
    pub fn facts(&self) -> Arc<Facts> {
        Arc::clone(&self.facts.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Measures the provider's clock against ours, `now` being read after its answer.
    ///
    /// # Errors
    /// When the provider does not tell; the last offset stays.
    pub async fn measure(&self, now: impl Fn() -> Timestamp) -> Result<(), ProviderError> {
        let pbx: PbxTime = self.provider.pbx_clock().await?;
        let at = now();
        self.update(|facts| facts.offsets = facts.offsets.measured(pbx, at));
        Ok(())
    }

    /// Asks the provider for what the configuration leaves to it: extensions,
    /// the sounds that prompts name, and own numbers, each on its own.
    ///
    /// # Errors
    /// The first thing that the provider does not tell; what it told before stays.
    pub async fn refresh(&self) -> Result<(), ProviderError> {
        let extensions = self.refresh_extensions().await;
        let sounds = match self.provider.sounds().await {
            Ok(sounds) => {
                self.update(|facts| facts.sounds = Some(sounds));
                Ok(())
            }
            Err(error) => Err(error),
        };
        if self.own_numbers.is_empty() {
            let numbers = self.provider.own_numbers().await?;
            let forms = numbers.iter().filter_map(|number| WrittenForm::read(number)).collect();
            self.update(|facts| facts.own_numbers = forms);
        }
        extensions.and(sounds)
    }

    /// Asks for the extensions, unless the configuration lists them.
    ///
    /// # Errors
    /// When the provider does not tell; what it told before stays.
    pub async fn refresh_extensions(&self) -> Result<(), ProviderError> {
        if self.extensions.is_empty() {
            let extensions = self.provider.extensions().await?;
            self.update(|facts| facts.extensions = extensions);
        }
        Ok(())
    }

    /// Tells of every answer of the provider from now on.
    #[must_use]
    pub fn answers(&self) -> watch::Receiver<bool> {
        self.known.subscribe()
    }

    /// Returns once the provider's clock is known and what it has has been asked
    /// for, which without it may never come.
    pub async fn known(&self) {
        let mut known = self.known.subscribe();
        // The sender lives as long as the account.
        let _ = known.wait_for(|known| *known).await;
    }

    fn update(&self, change: impl FnOnce(&mut Facts)) {
        let mut facts = self.facts.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut facts));
        let is_known = facts.offsets.are_known() && facts.sounds.is_some();
        self.known.send_replace(is_known);
    }
}

impl Facts {
    /// Whether `to` is one of the account's own numbers.
    #[must_use]
    pub fn is_own(&self, to: PhoneNumber) -> bool {
        WrittenForm::all_of(to).iter().any(|form| self.own_numbers.contains(form))
    }

    /// The provider's id of a sound that the configuration gives by id or by
    /// name; `Err` when the provider's sounds are known and it is none of them.
    pub(super) fn sound_id(&self, id_or_name: &str) -> Result<String, ()> {
        let Some(sounds) = &self.sounds else { return Ok(id_or_name.to_owned()) };
        sounds
            .iter()
            .find(|sound| sound.id == id_or_name)
            .or_else(|| sounds.iter().find(|sound| sound.name == id_or_name))
            .map(|sound| sound.id.clone())
            .ok_or(())
    }
}

impl Service {
    /// Warns of every sound that a prompt names and the provider does not have, so
    /// that it is not found out at the first call.
    pub fn warn_of_missing_sounds(&self, account: &Account) {
        let facts = account.facts();
        for (name, prompt) in &self.settings.prompts {
            for (language, sounds) in &prompt.languages {
                for sound in [&sounds.greeting, &sounds.confirmed, &sounds.fallback] {
                    if facts.sound_id(sound).is_err() {
                        tracing::warn!(
                            account.name = %account.name, prompt = %name, language = %language, sound,
                            "the provider has no sound {sound:?}; starts with this prompt are refused until it is uploaded or the prompt is mended",
                        );
                    }
                }
            }
        }
    }
}

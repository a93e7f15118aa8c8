//! Provider accounts as the use cases see them.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::domain::{Name, PbxTime, PhoneNumber, WrittenForm};
use crate::provider::{Provider, ProviderError, Sound};

use super::Offsets;

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
    /// Whether notifications from unlisted addresses are refused.
    pub requires_source: bool,
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
    /// When they were listed.
    pub sounds_at: Option<Timestamp>,
    /// When a sound was last sent to it, whether or not it was taken.
    pub sound_sent_at: Option<Timestamp>,
    /// The provider's civil time against ours.
    pub offsets: Offsets,
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
        requires_source: bool,
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
            requires_source,
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
        let sounds = self.refresh_sounds().await;
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

    /// Asks for the sounds that the provider has.
    ///
    /// # Errors
    /// When the provider does not tell; what it told before stays.
    pub async fn refresh_sounds(&self) -> Result<(), ProviderError> {
        let asked_at = self.provider.now();
        let sounds = self.provider.sounds().await?;
        self.update(|facts| {
            facts.sounds = Some(sounds);
            facts.sounds_at = Some(asked_at);
        });
        Ok(())
    }

    /// Sends a sound under a name, once.
    ///
    /// # Errors
    /// See [`Provider::upload_sound`].
    pub(super) async fn upload_sound(&self, name: &str, wav: Vec<u8>) -> Result<(), ProviderError> {
        let uploaded = self.provider.upload_sound(name, wav).await;
        let sent_at = self.provider.now();
        self.update(|facts| facts.sound_sent_at = Some(sent_at));
        uploaded
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

    /// Whether the sounds were listed after the last one was sent.
    pub(super) fn has_listed_all(&self) -> bool {
        self.sounds.is_some() && self.sound_sent_at.is_none_or(|sent| self.sounds_at > Some(sent))
    }

    /// The provider's id of a sound that is given by its id or its name there; `Err`
    /// when the provider's sounds are known and it is none of them.
    pub(super) fn listed_sound(&self, id_or_name: &str) -> Result<String, ()> {
        let Some(sounds) = &self.sounds else { return Ok(id_or_name.to_owned()) };
        sounds
            .iter()
            .find(|sound| sound.id == id_or_name)
            .or_else(|| sounds.iter().find(|sound| sound.name == id_or_name))
            .map(|sound| sound.id.clone())
            .ok_or(())
    }
}

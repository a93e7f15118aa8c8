//! Sounds and prompts as the store keeps them, and the port's methods for them.
//!
//! The files are here, too, since every replica must be able to play them and to
//! bring them to another account. They are few and bounded in size.

use jiff::Timestamp;

use super::{Store, StoreError, adapter};
use crate::domain::{Key, Name};

/// A sound to be kept.
#[derive(Clone, Debug)]
pub struct NewSound {
    /// Its name.
    pub name: Name,
    /// SHA-256 of the file as it came.
    pub digest: [u8; 32],
    /// The file as it came.
    pub original: Box<[u8]>,
    /// The file as it is played.
    pub wav: Box<[u8]>,
    /// What was found out about it, as its room writes it.
    pub inspection: Box<str>,
    /// Now.
    pub created_at: Timestamp,
}

/// What became of a sound to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptSound {
    /// It is a new version, of this number.
    New(u32),
    /// The newest version, of this number, has the same file; nothing was stored.
    Known(u32),
}

/// One version of a sound, without its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundVersion {
    /// Its name.
    pub name: Name,
    /// Its number, from 1.
    pub version: u32,
    /// SHA-256 of the file as it came.
    pub digest: [u8; 32],
    /// Bytes of the file as it came.
    pub size: u32,
    /// What was found out about it.
    pub inspection: Box<str>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// Where it is, by account.
    pub places: Vec<SoundPlace>,
}

/// That an account has a version of a sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundPlace {
    /// The account.
    pub account: Name,
    /// The provider's id of it.
    pub provider_id: Box<str>,
    /// Since when.
    pub at: Timestamp,
}

/// Which of a version's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundFile {
    /// As it came.
    Original,
    /// As it is played.
    Converted,
}

/// What became of a sound to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeletedSound {
    /// It is gone, with all its versions; they were at these places.
    Deleted(Vec<SoundPlace>),
    /// These stored prompts name it; nothing was deleted.
    InUse(Vec<Name>),
    /// There is none.
    NotFound,
}

/// A stored prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptRow {
    /// Its name.
    pub name: Name,
    /// What it speaks when it does not speak what was asked for.
    pub default_language: Option<Name>,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// Its sounds, in the order of the languages.
    pub languages: Vec<PromptLanguage>,
}

/// A stored prompt's sounds in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptLanguage {
    /// The language.
    pub language: Name,
    /// Played on answer: a sound's name, `NAME@VERSION`, or what the provider knows.
    pub greeting: Box<str>,
    /// Played after the key.
    pub confirmed: Box<str>,
    /// Played after another key or none.
    pub fallback: Box<str>,
    /// The key that the greeting names; none is the one on the person's screen.
    pub press: Option<Key>,
    /// The key that the greeting names for never being called again, if it does.
    pub never_again: Option<Key>,
}

/// Every sound and prompt, without files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogueRows {
    /// What [`Store::catalogue_change`] was before they were read.
    pub change: i64,
    /// Every version of every sound, by name and number.
    pub sounds: Vec<SoundVersion>,
    /// Every prompt, by name.
    pub prompts: Vec<PromptRow>,
}

impl PromptRow {
    /// Whether it names a sound of that name, in whatever version.
    #[must_use]
    pub fn names(&self, sound: &str) -> bool {
        let is_named = |text: &str| text.split('@').next() == Some(sound);
        self.languages.iter().any(|three| {
            [&three.greeting, &three.confirmed, &three.fallback].into_iter().any(|s| is_named(s))
        })
    }
}

impl Store {
    /// Keeps a sound as a new version, unless the newest one has the same digest.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn keep_sound(&self, sound: NewSound) -> Result<KeptSound, StoreError> {
        adapter!(self.keep_sound(sound))
    }

    /// Notes where a version of a sound is; an earlier place in that account is
    /// forgotten. Whether there is such a version.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn place_sound(
        &self,
        name: &Name,
        version: u32,
        place: SoundPlace,
    ) -> Result<bool, StoreError> {
        adapter!(self.place_sound(name.clone(), version, place))
    }

    /// One of the files of a version.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn sound_file(
        &self,
        name: &Name,
        version: u32,
        which: SoundFile,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        adapter!(self.sound_file(name.clone(), version, which))
    }

    /// Deletes a sound with all its versions, unless a stored prompt names it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn delete_sound(&self, name: &Name) -> Result<DeletedSound, StoreError> {
        adapter!(self.delete_sound(name.clone()))
    }

    /// Stores a prompt in place of the one with its name; whether it is new.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn put_prompt(&self, prompt: PromptRow) -> Result<bool, StoreError> {
        adapter!(self.put_prompt(prompt))
    }

    /// Deletes a prompt; whether there was one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn delete_prompt(&self, name: &Name) -> Result<bool, StoreError> {
        adapter!(self.delete_prompt(name.clone()))
    }

    /// A number that grows with every change of sounds and prompts; cheap to ask.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn catalogue_change(&self) -> Result<i64, StoreError> {
        adapter!(self.catalogue_change())
    }

    /// Every sound and prompt.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn catalogue(&self) -> Result<CatalogueRows, StoreError> {
        adapter!(self.catalogue())
    }
}

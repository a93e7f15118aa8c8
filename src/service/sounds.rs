//! Sounds: inspected, kept, brought to the provider, shown, deleted.
//!
//! A sound is kept first and brought to the provider afterwards, so that whatever
//! breaks in between is mended by uploading the same file again, which keeps nothing
//! twice.

use std::error::Error;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::sound_files::{self, PlaceToPrepare};
use super::{Account, Actor, Administered, Service};
use crate::domain::Name;
use crate::provider::ProviderError;
use crate::sounds::{BadSound, Inspection, Known, SoundUse, Version};
use crate::store::{self, KeptSound, NewSound, SoundFile, SoundPlace, StoreError};

/// A sound with its versions.
#[derive(Clone, Debug)]
pub struct SoundState {
    /// Its name.
    pub name: Name,
    /// Its versions, oldest first; never empty.
    pub versions: Vec<Version>,
    /// The accounts whose provider does not have the newest version.
    pub missing_at: Vec<Name>,
    /// Which prompts use it, in whatever version.
    pub used_by: Vec<SoundUse>,
}

/// What came of an upload.
#[derive(Clone, Debug)]
pub struct UploadedSound {
    /// Whether a new version was stored.
    pub is_new: bool,
    /// The sound as it is now.
    pub sound: SoundState,
}

/// What came of a deletion.
#[derive(Clone, Debug)]
pub struct DeletedSound {
    /// Where the provider still has it, since it could not be told.
    pub left: Vec<SoundPlace>,
}

/// Why something was not done with a sound.
#[derive(Debug, thiserror::Error)]
pub enum SoundRefusal {
    /// The file is at fault.
    #[error(transparent)]
    Bad(#[from] BadSound),
    /// Decoding it took too long.
    #[error("decoding the file takes too long; save it as plain WAV (PCM)")]
    TooSlow,
    /// As many files are worked on as may be.
    #[error("other sounds are being worked on; try again shortly")]
    Busy,
    /// There is no such sound or version.
    #[error("there is no sound of this name, or it has no such version")]
    NotFound,
    /// There is no such account.
    #[error("there is no such account; there are: {known}")]
    UnknownAccount {
        /// Those that there are.
        known: String,
    },
    /// Prompts use it.
    #[error("prompts use this sound; change or delete them first: {}", uses(.0))]
    InUse(Vec<SoundUse>),
    /// It is kept here, but the provider did not take it.
    #[error(
        "the sound is kept here as version {version}, but the provider of the account {account} does not have it yet: {error}; upload the same file again"
    )]
    Provider {
        /// The version that is kept.
        version: u32,
        /// The account.
        account: Name,
        /// Whether its limit, or our line that keeps it, is exhausted.
        is_busy: bool,
        /// What the provider said.
        error: ProviderError,
    },
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn uses(uses: &[SoundUse]) -> String {
    let one = |of: &SoundUse| format!("{}/{}/{}", of.prompt, of.language, of.part);
    uses.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl Service {
    /// A place to receive and decode a file in, to be had before it is received.
    ///
    /// # Errors
    /// [`SoundRefusal::Busy`].
    pub fn place_to_prepare(&self) -> Result<PlaceToPrepare, SoundRefusal> {
        self.sound_files.place()
    }

    /// Inspects a file and keeps nothing.
    ///
    /// # Errors
    /// When it cannot be played, see [`BadSound`].
    pub async fn inspect_sound(
        &self,
        place: PlaceToPrepare,
        bytes: Vec<u8>,
    ) -> Result<Inspection, SoundRefusal> {
        Ok(sound_files::prepare(place, bytes).await?.1.inspection)
    }

    /// Keeps a file as the newest version of a sound, unless it is that already, and
    /// brings it to the provider of `account`, or of every account.
    ///
    /// # Errors
    /// See [`SoundRefusal`]. After [`SoundRefusal::Provider`] it is kept.
    pub async fn upload_sound(
        &self,
        place: PlaceToPrepare,
        name: Name,
        account: Option<Name>,
        bytes: Vec<u8>,
        by: &Actor,
    ) -> Result<UploadedSound, SoundRefusal> {
        let accounts: Vec<&Account> = match &account {
            Some(wanted) => {
                vec![self.account_named(wanted).ok_or_else(|| self.unknown_account())?.1]
            }
            None => self.accounts.iter().collect(),
        };
        let (original, prepared) = sound_files::prepare(place, bytes).await?;
        let inspection = serde_json::to_string(&prepared.inspection).unwrap_or_default();
        let sound = NewSound {
            name: name.clone(),
            digest: Sha256::digest(&original).into(),
            original: original.into(),
            wav: prepared.wav.into(),
            inspection: inspection.into(),
            created_at: self.clock.now(),
        };
        let done = Administered {
            action: "sound.uploaded",
            subject: name.to_string(),
            before: None,
            after: Some(json!({ "digest": const_hex::encode(sound.digest) })),
        };
        self.audit(by, done).await?;
        let kept = self.store.keep_sound(sound).await?;
        self.catalogue.refresh().await?;
        let (is_new, version) = match kept {
            KeptSound::New(version) => (true, version),
            KeptSound::Known(version) => (false, version),
        };
        for account in accounts {
            self.bring(account, &name, version).await?;
        }
        let sound = self.show_sound(&name).ok_or(SoundRefusal::NotFound)?;
        Ok(UploadedSound { is_new, sound })
    }

    /// Brings the newest version of every sound to every account that lacks it: those
    /// that no provider took so far, and those that a provider has lost.
    ///
    /// # Errors
    /// The first that could not be brought, see [`SoundRefusal`].
    pub async fn bring_missing_sounds(&self) -> Result<u32, SoundRefusal> {
        let mut brought = 0;
        for sound in self.list_sounds() {
            let Some(newest) = sound.versions.last() else { continue };
            for account in &self.accounts {
                brought += u32::from(self.bring(account, &sound.name, newest.row.version).await?);
            }
        }
        Ok(brought)
    }

    /// Every sound, by name.
    #[must_use]
    pub fn list_sounds(&self) -> Vec<SoundState> {
        let known = self.catalogue.now();
        known.sounds.keys().filter_map(|name| self.state(&known, name)).collect()
    }

    /// A sound.
    #[must_use]
    pub fn show_sound(&self, name: &Name) -> Option<SoundState> {
        self.state(&self.catalogue.now(), name)
    }

    /// One of the files of a version, the newest unless it is named.
    ///
    /// # Errors
    /// When there is no such version, or the store does not answer.
    pub async fn sound_file(
        &self,
        name: &Name,
        version: Option<u32>,
        which: SoundFile,
    ) -> Result<Vec<u8>, SoundRefusal> {
        let newest = || Some(self.show_sound(name)?.versions.last()?.row.version);
        let version = version.or_else(newest).ok_or(SoundRefusal::NotFound)?;
        let file = self.store.sound_file(name, version, which).await?;
        file.ok_or(SoundRefusal::NotFound)
    }

    /// Deletes a sound that no prompt uses, with all its versions, here and then at
    /// the providers.
    ///
    /// # Errors
    /// See [`SoundRefusal`]; then nothing was deleted.
    pub async fn delete_sound(
        &self,
        name: &Name,
        by: &Actor,
    ) -> Result<DeletedSound, SoundRefusal> {
        self.catalogue.refresh().await?;
        let users = self.catalogue.now().uses(name);
        if !users.is_empty() {
            return Err(SoundRefusal::InUse(users));
        }
        let versions = self.show_sound(name).ok_or(SoundRefusal::NotFound)?.versions.len();
        let done = Administered {
            action: "sound.deleted",
            subject: name.to_string(),
            before: Some(json!({ "versions": versions })),
            after: None,
        };
        self.audit(by, done).await?;
        let places = match self.store.delete_sound(name).await? {
            store::DeletedSound::Deleted(places) => places,
            store::DeletedSound::NotFound => return Err(SoundRefusal::NotFound),
            // Another replica stored a prompt meanwhile.
            store::DeletedSound::InUse(_) => {
                self.catalogue.refresh().await?;
                return Err(SoundRefusal::InUse(self.catalogue.now().uses(name)));
            }
        };
        self.catalogue.refresh().await?;
        let mut left = Vec::new();
        for place in places {
            let Some((_, account)) = self.account_named(&place.account) else {
                left.push(place);
                continue;
            };
            if let Err(error) = account.provider.delete_sound(&place.provider_id).await {
                tracing::warn!(
                    account.name = %account.name, sound = %name, id = %place.provider_id, error = %error,
                    "a deleted sound could not be removed from the provider",
                );
                left.push(place);
            }
        }
        Ok(DeletedSound { left })
    }

    /// Sees what another replica changed of sounds and prompts.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn refresh_catalogue(&self) -> Result<(), StoreError> {
        self.catalogue.refresh().await
    }

    /// The provider's id of a sound that is named by our name (perhaps `NAME@VERSION`),
    /// by the provider's id or by its name there. `Err` when it is known to be missing.
    pub(super) fn sound_id(&self, account: &Account, named: &str) -> Result<String, ()> {
        let known = self.catalogue.now();
        let Some(versions) = known.versions(named) else {
            return account.facts().listed_sound(named);
        };
        place_of(account, versions).ok_or(())
    }

    /// Brings a version to an account, unless it is there; whether it was brought.
    async fn bring(
        &self,
        account: &Account,
        name: &Name,
        version: u32,
    ) -> Result<bool, SoundRefusal> {
        let _alone = self.sound_files.placing.lock().await;
        let known = self.catalogue.now();
        let versions =
            known.versions(&format!("{name}@{version}")).ok_or(SoundRefusal::NotFound)?;
        let newest = versions.last().ok_or(SoundRefusal::NotFound)?;
        let there = newest.row.places.iter().find(|place| place.account == account.name);
        if there.is_some_and(|place| !is_lost(account, place)) {
            return Ok(false);
        }
        let its_name = newest.name_there();
        let wav = self.store.sound_file(name, version, SoundFile::Converted).await?;
        let wav = wav.ok_or(SoundRefusal::NotFound)?;
        let brought = bring_to(account, &its_name, wav).await;
        let provider_id = brought.map_err(|error| {
            tracing::warn!(
                account.name = %account.name, sound = %name, version, cause = error.source(),
                error = %error, "a sound could not be brought to the provider",
            );
            let is_busy = matches!(error, ProviderError::RateLimited);
            SoundRefusal::Provider { version, account: account.name.clone(), is_busy, error }
        })?;
        let place = SoundPlace {
            account: account.name.clone(),
            provider_id: provider_id.into(),
            at: self.clock.now(),
        };
        self.store.place_sound(name, version, place).await?;
        self.catalogue.refresh().await?;
        Ok(true)
    }

    fn state(&self, known: &Known, name: &Name) -> Option<SoundState> {
        let versions = known.sounds.get(name)?.clone();
        let newest = versions.last().map(std::slice::from_ref)?;
        let lacks = |account: &&Account| place_of(account, newest).is_none();
        let missing_at = self.accounts.iter().filter(lacks).map(|account| account.name.clone());
        let missing_at = missing_at.collect();
        Some(SoundState { name: name.clone(), missing_at, versions, used_by: known.uses(name) })
    }

    fn unknown_account(&self) -> SoundRefusal {
        let names: Vec<&str> = self.accounts.iter().map(|account| account.name.as_str()).collect();
        SoundRefusal::UnknownAccount { known: names.join(", ") }
    }
}

/// Stores a sound at the provider and finds out its id, which the provider does not
/// tell. What an earlier try left there is found by the same name.
async fn bring_to(
    account: &Account,
    its_name: &str,
    wav: Vec<u8>,
) -> Result<String, ProviderError> {
    let find = || {
        let facts = account.facts();
        let sound = facts.sounds.iter().flatten().find(|sound| sound.name == its_name);
        sound.map(|sound| sound.id.clone())
    };
    // What is found in an older list may have been deleted since.
    if !account.facts().has_listed_all() || find().is_some() {
        account.refresh_sounds().await?;
    }
    if let Some(id) = find() {
        return Ok(id);
    }
    let uploaded = account.upload_sound(its_name, wav).await;
    match &uploaded {
        // It may be there all the same.
        Ok(()) | Err(ProviderError::Unknown { .. }) => account.refresh_sounds().await?,
        Err(_) => {}
    }
    uploaded.or_else(|error| if find().is_some() { Ok(()) } else { Err(error) })?;
    find().ok_or_else(|| ProviderError::Unknown {
        message: "it took the sound, but does not list it yet".to_owned(),
        source: None,
    })
}

/// The id of the newest of these versions that an account has, by what it last listed.
fn place_of(account: &Account, versions: &[Version]) -> Option<String> {
    let facts = account.facts();
    let listed = facts.sounds.as_deref().zip(facts.sounds_at);
    Known::provider_id(versions, &account.name, listed).map(str::to_owned)
}

/// Whether the provider, asked since, did not list it any more.
fn is_lost(account: &Account, place: &SoundPlace) -> bool {
    let facts = account.facts();
    let (Some(sounds), Some(listed_at)) = (&facts.sounds, facts.sounds_at) else { return false };
    listed_at > place.at && !sounds.iter().any(|sound| *sound.id == *place.provider_id)
}

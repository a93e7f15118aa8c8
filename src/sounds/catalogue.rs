//! The catalogue: which sounds and prompts there are now, in memory.
//!
//! The store is the truth. A replica reads it again as soon as its change number is
//! another one, which it asks for every second and after each change of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use super::{Inspection, Prompt};
use crate::domain::Name;
use crate::provider::Sound;
use crate::store::record::Unreadable;
use crate::store::{CatalogueRows, PromptRow, SoundVersion, Store, StoreError};

/// Digits of a file's digest in its name at providers.
const DIGITS: usize = 12;

/// The sounds and prompts of a service.
pub struct Catalogue {
    store: Store,
    configured: BTreeMap<Name, Prompt>,
    /// Written by `refresh`; read by copying the reference.
    known: RwLock<Arc<Known>>,
}

/// What was known at one time.
#[derive(Debug, Default)]
pub struct Known {
    change: i64,
    /// The sounds by name.
    pub sounds: BTreeMap<Name, Vec<Version>>,
    /// Every prompt; one of the configuration hides a stored one of its name.
    pub prompts: BTreeMap<Name, Prompt>,
    /// The stored ones as they are stored.
    pub stored: BTreeMap<Name, PromptRow>,
}

/// One version of a sound.
#[derive(Clone, Debug)]
pub struct Version {
    /// As it is stored.
    pub row: SoundVersion,
    /// What was found out about it.
    pub inspection: Inspection,
}

/// Where a sound is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundUse {
    /// The prompt.
    pub prompt: Name,
    /// The language in it.
    pub language: Name,
    /// `greeting`, `confirmed` or `fallback`.
    pub part: &'static str,
}

impl Catalogue {
    /// Reads the store's sounds and prompts, beside those of the configuration.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(
        store: Store,
        configured: BTreeMap<Name, Prompt>,
    ) -> Result<Self, StoreError> {
        let catalogue = Self { store, configured, known: RwLock::default() };
        catalogue.read().await?;
        for name in catalogue.now().stored.keys() {
            if catalogue.is_configured(name) {
                tracing::warn!(prompt = %name, "the configuration's prompt {name} hides a stored one of the same name");
            }
        }
        Ok(catalogue)
    }

    /// What is known now.
    #[must_use]
    pub fn now(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the configuration has a prompt of that name.
    #[must_use]
    pub fn is_configured(&self, prompt: &Name) -> bool {
        self.configured.contains_key(prompt)
    }

    /// Reads the store again if it was changed, here or by another replica.
    ///
    /// # Errors
    /// When the store cannot be read; what was known stays.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        if self.store.catalogue_change().await? == self.now().change {
            Ok(())
        } else {
            self.read().await
        }
    }

    async fn read(&self) -> Result<(), StoreError> {
        let rows = self.store.catalogue().await?;
        let read = Known::of(rows, &self.configured)?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // A slower reader must not bring back what a faster one has left behind.
        if read.change >= known.change {
            *known = Arc::new(read);
        }
        Ok(())
    }
}

impl Version {
    /// The name under which providers have this file, and no other.
    #[must_use]
    pub fn name_there(&self) -> String {
        let digest = const_hex::encode(self.row.digest);
        format!("{}-v{}-{}", self.row.name, self.row.version, &digest[..DIGITS])
    }
}

impl Known {
    /// What these rows hold, beside the configuration's prompts.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn of(
        rows: CatalogueRows,
        configured: &BTreeMap<Name, Prompt>,
    ) -> Result<Self, StoreError> {
        let mut sounds: BTreeMap<Name, Vec<Version>> = BTreeMap::new();
        for row in rows.sounds {
            let inspection =
                serde_json::from_str(&row.inspection).map_err(|_| StoreError::Unreadable {
                    table: "sounds",
                    column: "inspection",
                    source: Unreadable("it is no inspection"),
                })?;
            sounds.entry(row.name.clone()).or_default().push(Version { row, inspection });
        }
        let stored = rows.prompts.into_iter().map(|row| (row.name.clone(), row));
        let stored: BTreeMap<Name, PromptRow> = stored.collect();
        let mut prompts: BTreeMap<Name, Prompt> =
            stored.iter().map(|(name, row)| (name.clone(), Prompt::from(row))).collect();
        prompts.extend(configured.clone());
        Ok(Self { change: rows.change, sounds, prompts, stored })
    }

    /// The versions of the sound that a text names, oldest first: all of `NAME`, or
    /// the one of `NAME@VERSION`. `None` if there is no such sound.
    #[must_use]
    pub fn versions(&self, named: &str) -> Option<&[Version]> {
        let (name, version) = match named.split_once('@') {
            Some((name, version)) => (name, Some(version.parse::<u32>().ok()?)),
            None => (named, None),
        };
        let versions = self.sounds.get(&Name::parse(name).ok()?)?.as_slice();
        let Some(version) = version else { return Some(versions) };
        let at = versions.iter().position(|known| known.row.version == version)?;
        versions.get(at..=at)
    }

    /// The provider's id of the newest of those versions that an account has, going by what
    /// it listed and when. What is there under the name of its file counts as well as what is
    /// noted, since another process may have brought it. None, too, if the newest that was
    /// brought has been lost.
    #[must_use]
    pub fn provider_id<'a>(
        versions: &'a [Version],
        account: &Name,
        listed: Option<(&'a [Sound], Timestamp)>,
    ) -> Option<&'a str> {
        for version in versions.iter().rev() {
            let place = version.row.places.iter().find(|place| place.account == *account);
            let Some((sounds, listed_at)) = listed else {
                if let Some(place) = place {
                    return Some(&place.provider_id);
                }
                continue;
            };
            let is_listed = |id: &str| sounds.iter().any(|sound| sound.id == id);
            if let Some(place) = place
                && (listed_at <= place.at || is_listed(&place.provider_id))
            {
                return Some(&place.provider_id);
            }
            let its_name = version.name_there();
            let found = sounds.iter().find(|sound| sound.name == its_name);
            if found.is_some() || place.is_some() {
                return found.map(|sound| sound.id.as_str());
            }
        }
        None
    }

    /// Where a sound is used, in whatever version.
    #[must_use]
    pub fn uses(&self, sound: &Name) -> Vec<SoundUse> {
        let mut uses = Vec::new();
        for (prompt, of) in &self.prompts {
            for (language, sounds) in &of.languages {
                for (part, named) in sounds.parts() {
                    if named.split('@').next() == Some(sound.as_str()) {
                        let (prompt, language) = (prompt.clone(), language.clone());
                        uses.push(SoundUse { prompt, language, part });
                    }
                }
            }
        }
        uses
    }
}

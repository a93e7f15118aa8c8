//! The sounds that prompts name, those of the configuration and those in the store: whether
//! the provider has them. Whatever there is a file of, shipped or kept in the store, is
//! uploaded when told to.
//!
//! The store is only read, since a service may be running over it. That one finds what is
//! brought here by its name, which no other file has, when it next lists the sounds.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::config::{self, Config};
use crate::domain::Name;
use crate::provider::{Provider, ProviderError, Sound};
use crate::service::SoundFile;
use crate::sounds::Known;
use crate::store::{Beside, BesideError, CatalogueRows};

use super::super::{settings, shipped};
use super::account::{chain, unknown};
use super::{Finding, Treatment};

const ABOUT: &str = "sounds";

/// The sounds that are needed, each with the prompts and languages that name it.
type Needed = BTreeMap<String, Vec<String>>;

/// A sound that the provider does not have.
struct Missing<'a> {
    sound: &'a str,
    users: &'a [String],
    file: File,
}

/// Where there is a file of a sound.
enum File {
    /// We ship it.
    Shipped(&'static [u8]),
    /// The store keeps it; the provider is to have it under `its_name`.
    Kept { name: Name, version: u32, its_name: String },
    /// The store keeps other versions of it, up to this one.
    OtherVersions { name: Name, newest: u32 },
    /// Nowhere.
    None,
}

pub(super) async fn examine(
    provider: &Provider,
    config: &Config,
    account: &config::Account,
    treatment: Treatment,
    say: &mut (dyn FnMut(&str) + Send),
) -> anyhow::Result<Vec<Finding>> {
    let account = settings::name(&account.name)?;
    let configured = settings::prompts(config)?;
    let mut findings = Vec::new();
    // The store first: what the provider lists later is newer than any place noted in it.
    let known = match look(config, &configured).await {
        Ok(known) => known,
        Err(error) => {
            findings.push(not_read(&error));
            Known::of(CatalogueRows::default(), &configured)?
        }
    };
    let is_read = findings.is_empty();
    let needed = needed(&known);
    let mut there = match provider.sounds().await {
        Ok(there) => there,
        Err(error) => return Ok(vec![unknown(ABOUT, &error)]),
    };
    let mut failed = BTreeMap::new();
    if treatment.fix {
        let lacks = missing(&known, &needed, &account, &there);
        failed = upload(provider, config, &lacks, say).await;
        if lacks.iter().any(|one| one.file.is_at_hand()) {
            there = match provider.sounds().await {
                Ok(there) => there,
                Err(error) => return Ok(vec![unknown(ABOUT, &error)]),
            };
        }
    }
    let lacks = missing(&known, &needed, &account, &there);
    if lacks.is_empty() {
        findings.insert(0, all_there(&needed));
    }
    findings.extend(told(&lacks, &failed, is_read));
    Ok(findings)
}

async fn look(
    config: &Config,
    configured: &BTreeMap<Name, crate::sounds::Prompt>,
) -> Result<Known, BesideError> {
    let rows = Beside::new(&config.store.url)?.catalogue().await?;
    Ok(Known::of(rows, configured)?)
}

fn needed(known: &Known) -> Needed {
    let mut needed = Needed::new();
    for (prompt, of) in &known.prompts {
        for (language, sounds) in &of.languages {
            for (_, sound) in sounds.parts() {
                needed.entry(sound.to_owned()).or_default().push(format!("{prompt}, {language}"));
            }
        }
    }
    needed
}

/// What of it is not there, by the rules of the service.
fn missing<'a>(
    known: &Known,
    needed: &'a Needed,
    account: &Name,
    there: &[Sound],
) -> Vec<Missing<'a>> {
    let is_listed = |text: &str| there.iter().any(|known| known.id == text || known.name == text);
    let is_there = |sound: &str| match known.versions(sound) {
        Some(versions) => {
            Known::provider_id(versions, account, Some((there, Timestamp::MAX))).is_some()
        }
        None => is_listed(sound),
    };
    let lacks = needed.iter().filter(|(sound, _)| !is_there(sound));
    lacks.map(|(sound, users)| Missing { sound, users, file: file(known, sound) }).collect()
}

fn file(known: &Known, sound: &str) -> File {
    if let Some(version) = known.versions(sound).and_then(<[_]>::last) {
        let (name, number) = (version.row.name.clone(), version.row.version);
        return File::Kept { name, version: number, its_name: version.name_there() };
    }
    let unversioned = sound.split('@').next().unwrap_or(sound);
    if let Some(version) = known.versions(unversioned).and_then(<[_]>::last) {
        return File::OtherVersions { name: version.row.name.clone(), newest: version.row.version };
    }
    shipped::named(sound).map_or(File::None, File::Shipped)
}

/// Uploads what there is a file of, each once; what was not taken, and why.
async fn upload(
    provider: &Provider,
    config: &Config,
    lacks: &[Missing<'_>],
    say: &mut (dyn FnMut(&str) + Send),
) -> BTreeMap<String, String> {
    let mut failed = BTreeMap::new();
    let mut sent: Vec<&str> = Vec::new();
    for one in lacks {
        let its_name = match &one.file {
            File::Shipped(_) => one.sound,
            File::Kept { its_name, .. } => its_name,
            File::OtherVersions { .. } | File::None => continue,
        };
        if sent.contains(&its_name) {
            continue;
        }
        sent.push(its_name);
        say(&format!("uploading {its_name}"));
        if let Err(why) = bring(provider, config, &one.file, its_name).await {
            failed.insert(one.sound.to_owned(), why);
        }
    }
    failed
}

async fn bring(
    provider: &Provider,
    config: &Config,
    file: &File,
    its_name: &str,
) -> Result<(), String> {
    let wav = match file {
        File::Shipped(wav) => wav.to_vec(),
        File::Kept { name, version, .. } => {
            let store = Beside::new(&config.store.url).map_err(|error| chain(&error))?;
            let read = store.sound_file(name, *version, SoundFile::Converted).await;
            let gone = || "it was deleted meanwhile".to_owned();
            read.map_err(|error| chain(&error))?.ok_or_else(gone)?
        }
        File::OtherVersions { .. } | File::None => return Ok(()),
    };
    let refused = |error: ProviderError| format!("the provider did not take it: {}", chain(&error));
    provider.upload_sound(its_name, wav).await.map_err(refused)
}

fn all_there(needed: &Needed) -> Finding {
    match needed.len() {
        0 => Finding::ok(ABOUT, "there is no prompt, in the configuration or in the store"),
        all => Finding::ok(ABOUT, format!("all {all} sounds of the prompts are there")),
    }
}

fn not_read(error: &BesideError) -> Finding {
    Finding::warning(
        ABOUT,
        format!("the store's sounds and prompts could not be read: {}", chain(error)),
        "see that it is reached and was served by this release once, then run this again",
    )
}

/// One line for all that `--fix` uploads, and one for each other, since each asks for
/// something else.
fn told(
    lacks: &[Missing<'_>],
    failed: &BTreeMap<String, String>,
    is_store_read: bool,
) -> Vec<Finding> {
    let (ours, others): (Vec<_>, Vec<_>) = lacks.iter().partition(|one| one.file.is_at_hand());
    let mut findings = Vec::new();
    if !ours.is_empty() {
        let one = |one: &&Missing<'_>| match failed.get(one.sound) {
            Some(why) => format!("{}: {why}", one.named()),
            None => one.named(),
        };
        let list = ours.iter().map(one).collect::<Vec<_>>().join("; ");
        let found = format!("the provider lacks {}: {list}", ours.len());
        findings.push(Finding::wrong(ABOUT, found, "`ringproof doctor --fix` uploads them"));
    }
    for one in others {
        let (found, advice) = one.nowhere();
        findings.push(if is_store_read {
            Finding::wrong(ABOUT, found, advice)
        } else {
            // The store may keep it.
            Finding::warning(ABOUT, found, advice)
        });
    }
    findings
}

impl File {
    const fn is_at_hand(&self) -> bool {
        matches!(self, Self::Shipped(_) | Self::Kept { .. })
    }
}

impl Missing<'_> {
    fn named(&self) -> String {
        format!("{} ({})", self.sound, self.users.join("; "))
    }

    /// What is found of one that there is no file of, and what to do.
    fn nowhere(&self) -> (String, String) {
        let found = format!("the provider lacks {}", self.named());
        let sound = self.sound;
        match &self.file {
            File::OtherVersions { name, newest } => (
                format!("{found}, and the newest version kept here is {newest}"),
                format!(
                    "name {name} or {name}@{newest} in the prompt, or \
                     `ringproof sounds upload FILE --name {name}` until there is that version"
                ),
            ),
            _ if Name::parse(sound).is_ok() => (
                format!("{found}, and there is no file of it here"),
                format!(
                    "`ringproof sounds upload FILE --name {sound}` with a recording, \
                     or mend the prompt"
                ),
            ),
            _ => (
                format!("{found}, and there is no file of it here"),
                "upload it under this name in the provider's cabinet, or mend the prompt"
                    .to_owned(),
            ),
        }
    }
}

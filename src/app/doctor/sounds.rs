//! The sounds that configured prompts name: whether the provider has them. Those that we ship
//! are uploaded when told to; those that the store keeps are the running service's business.

use crate::config::{self, Config, StoreUrl};
use crate::provider::{Provider, ProviderError, Sound};
use crate::store::{self, SoundVersion};

use super::super::shipped;
use super::account::{chain, unknown};
use super::{Finding, Treatment};

const ABOUT: &str = "sounds";

/// What a prompt names that is not at the provider.
struct Missing<'a> {
    sound: &'a str,
    /// Which prompt, in which language.
    of: String,
    /// Whether the store keeps it.
    is_kept: bool,
}

pub(super) async fn examine(
    provider: &Provider,
    config: &Config,
    account: &config::Account,
    treatment: Treatment,
    say: &mut (dyn FnMut(&str) + Send),
) -> Finding {
    let kept = kept(config).await;
    let mut there = match provider.sounds().await {
        Ok(there) => there,
        Err(error) => return unknown(ABOUT, &error),
    };
    if treatment.fix {
        let lacks = missing(config, account, &there, &kept);
        match upload(provider, &lacks, say).await {
            Ok(Some(listed)) => there = listed,
            Ok(None) => {}
            Err(error) => return not_uploaded(&error),
        }
    }
    judged(config, &missing(config, account, &there, &kept))
}

/// What the store keeps; nothing where it cannot be read, of which another line tells, and
/// of PostgreSQL, which a look from here would migrate.
async fn kept(config: &Config) -> Vec<SoundVersion> {
    match &config.store.url {
        StoreUrl::Sqlite(path) => store::kept_sounds(path).await.unwrap_or_default(),
        StoreUrl::Postgres(_) => Vec::new(),
    }
}

fn named(config: &Config) -> impl Iterator<Item = (&str, String)> {
    config.prompts.iter().flat_map(|(prompt, of)| {
        of.languages.iter().flat_map(move |(language, three)| {
            let parts = [&three.greeting, &three.confirmed, &three.fallback];
            parts.map(|sound| (sound.as_str(), format!("{prompt}, {language}")))
        })
    })
}

fn missing<'a>(
    config: &'a Config,
    account: &config::Account,
    there: &[Sound],
    kept: &[SoundVersion],
) -> Vec<Missing<'a>> {
    let is_there = |text: &str| there.iter().any(|known| known.id == text || known.name == text);
    let mut lacks = Vec::new();
    for (sound, of) in named(config) {
        let (name, version) = sound.split_once('@').unwrap_or((sound, ""));
        let versions = kept.iter().filter(|one| {
            one.name.as_str() == name && (version.is_empty() || one.version.to_string() == version)
        });
        let mut places = versions.clone().flat_map(|one| &one.places);
        let is_placed = places
            .any(|place| place.account.as_str() == account.name && is_there(&place.provider_id));
        if !is_placed && !is_there(sound) {
            lacks.push(Missing { sound, of, is_kept: versions.count() > 0 });
        }
    }
    lacks
}

/// Uploads what is shipped; what the provider then has, if anything was.
async fn upload(
    provider: &Provider,
    lacks: &[Missing<'_>],
    say: &mut (dyn FnMut(&str) + Send),
) -> Result<Option<Vec<Sound>>, ProviderError> {
    let mut uploaded: Vec<&str> = Vec::new();
    for one in lacks {
        let Some(wav) = shipped::named(one.sound) else { continue };
        if !uploaded.contains(&one.sound) {
            say(&format!("uploading {}", one.sound));
            provider.upload_sound(one.sound, wav.to_vec()).await?;
            uploaded.push(one.sound);
        }
    }
    if uploaded.is_empty() { Ok(None) } else { provider.sounds().await.map(Some) }
}

fn not_uploaded(error: &ProviderError) -> Finding {
    let found = format!("the provider did not take a sound: {}", chain(error));
    Finding::wrong(ABOUT, found, "run this again with --fix")
}

fn judged(config: &Config, lacks: &[Missing<'_>]) -> Finding {
    let needed = named(config).count();
    if needed == 0 {
        let found = "the configuration has no prompt; the service looks after those in the store";
        return Finding::ok(ABOUT, found);
    }
    if lacks.is_empty() {
        return Finding::ok(ABOUT, format!("all {needed} of the configured prompts are there"));
    }
    let list: Vec<String> = lacks.iter().map(|one| format!("{} ({})", one.sound, one.of)).collect();
    let found = format!("the provider lacks {} of {needed}: {}", lacks.len(), list.join(", "));
    let advice = if lacks.iter().any(|one| shipped::named(one.sound).is_some()) {
        "`ringproof doctor --fix` uploads those that are shipped"
    } else if lacks.iter().all(|one| one.is_kept) {
        "upload the same files again with `ringproof sounds upload` or `ringproof sounds sync`, \
         which brings to the provider what it has lost"
    } else if matches!(config.store.url, StoreUrl::Postgres(_)) {
        let advice = "the doctor does not look into PostgreSQL: if the store keeps them, the \
                      service's own warning about missing sounds decides; else upload them";
        return Finding::warning(ABOUT, found, advice);
    } else {
        "upload them under these names in the cabinet or with `ringproof sounds upload`, or mend \
         the prompts"
    };
    Finding::wrong(ABOUT, found, advice)
}

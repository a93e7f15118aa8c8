//! Sounds and prompts. Every change of them first counts itself, which has the others wait:
//! they are rare, and what one looks at the next one may change.

use deadpool_postgres::{Object, Transaction};
use tokio_postgres::Row;

use super::columns::{Failure, column, name, number, text, time, unreadable};
use super::insert::version;
use super::keys::digest;
use super::{Postgres, ask};
use crate::domain::{Key, Name};
use crate::store::kept::nanoseconds;
use crate::store::record::Unreadable;
use crate::store::{
    CatalogueRows, DeletedSound, KeptSound, NewSound, PromptLanguage, PromptRow, SoundFile,
    SoundPlace, SoundVersion, StoreError,
};

impl Postgres {
    pub(in crate::store) async fn keep_sound(
        &self,
        sound: NewSound,
    ) -> Result<KeptSound, StoreError> {
        ask!(self, on => keep(on, &sound))
    }

    pub(in crate::store) async fn place_sound(
        &self,
        name: Name,
        version: u32,
        place: SoundPlace,
    ) -> Result<bool, StoreError> {
        ask!(self, on => self::place(on, &name, version, &place))
    }

    pub(in crate::store) async fn sound_file(
        &self,
        name: Name,
        version: u32,
        which: SoundFile,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        ask!(self, on => file(on, &name, version, which))
    }

    pub(in crate::store) async fn delete_sound(
        &self,
        name: Name,
    ) -> Result<DeletedSound, StoreError> {
        ask!(self, on => delete(on, &name))
    }

    pub(in crate::store) async fn put_prompt(&self, prompt: PromptRow) -> Result<bool, StoreError> {
        ask!(self, on => self::put_prompt(on, &prompt))
    }

    pub(in crate::store) async fn delete_prompt(&self, name: Name) -> Result<bool, StoreError> {
        ask!(self, on => self::delete_prompt(on, &name))
    }

    pub(in crate::store) async fn catalogue_change(&self) -> Result<i64, StoreError> {
        ask!(self, on => change(on))
    }

    pub(in crate::store) async fn catalogue(&self) -> Result<CatalogueRows, StoreError> {
        ask!(self, on => catalogue(on))
    }
}

async fn keep(on: &mut Object, sound: &NewSound) -> Result<KeptSound, Failure> {
    let on = on.transaction().await?;
    changed(&on).await?;
    let of = sound.name.as_str();
    let sql = "SELECT version, digest FROM sounds WHERE name = $1 ORDER BY version DESC LIMIT 1";
    let newest = on.query_opt(&on.prepare_cached(sql).await?, &[&of]).await?;
    let newest = newest.as_ref().map(known).transpose()?;
    let next = match newest {
        Some((version, digest)) if digest == sound.digest => return Ok(KeptSound::Known(version)),
        Some((version, _)) => version.saturating_add(1),
        None => 1,
    };
    let sql = "INSERT INTO sounds (name, version, digest, size, inspection, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let statement = on.prepare_cached(sql).await?;
    let size = i64::try_from(sound.original.len()).unwrap_or(i64::MAX);
    let (digest, inspection) = (sound.digest.as_slice(), text(&sound.inspection));
    let created = nanoseconds(sound.created_at);
    on.execute(&statement, &[&of, &version(next), &digest, &size, &inspection, &created]).await?;
    let sql = "INSERT INTO sound_files (name, version, original, wav) VALUES ($1, $2, $3, $4)";
    let statement = on.prepare_cached(sql).await?;
    on.execute(&statement, &[&of, &version(next), &&*sound.original, &&*sound.wav]).await?;
    on.commit().await?;
    Ok(KeptSound::New(next))
}

fn known(row: &Row) -> Result<(u32, [u8; 32]), Failure> {
    let version = number::<i32, u32>(row, "sounds", "version")?;
    Ok((version, digest(column(row, "sounds", "digest")?, "sounds", "digest")?))
}

async fn place(on: &mut Object, name: &Name, of: u32, place: &SoundPlace) -> Result<bool, Failure> {
    let on = on.transaction().await?;
    changed(&on).await?;
    let sql = "INSERT INTO sound_places (name, version, account, provider_id, at) \
               SELECT name, version, $3, $4, $5 FROM sounds WHERE name = $1 AND version = $2 \
               ON CONFLICT (name, version, account) \
               DO UPDATE SET provider_id = excluded.provider_id, at = excluded.at";
    let statement = on.prepare_cached(sql).await?;
    let (account, id) = (place.account.as_str(), text(&place.provider_id));
    let at = nanoseconds(place.at);
    let placed =
        on.execute(&statement, &[&name.as_str(), &version(of), &account, &id, &at]).await?;
    on.commit().await?;
    Ok(placed > 0)
}

pub(super) async fn file(
    on: &Object,
    name: &Name,
    of: u32,
    which: SoundFile,
) -> Result<Option<Vec<u8>>, Failure> {
    let sql = match which {
        SoundFile::Original => {
            "SELECT original AS file FROM sound_files WHERE name = $1 AND version = $2"
        }
        SoundFile::Converted => {
            "SELECT wav AS file FROM sound_files WHERE name = $1 AND version = $2"
        }
    };
    let statement = on.prepare_cached(sql).await?;
    let row = on.query_opt(&statement, &[&name.as_str(), &version(of)]).await?;
    row.as_ref().map(|row| column(row, "sound_files", "file")).transpose()
}

async fn delete(on: &mut Object, name: &Name) -> Result<DeletedSound, Failure> {
    let on = on.transaction().await?;
    changed(&on).await?;
    let users = prompts(&on).await?.into_iter().filter(|prompt| prompt.names(name.as_str()));
    let users: Vec<Name> = users.map(|prompt| prompt.name).collect();
    if !users.is_empty() {
        return Ok(DeletedSound::InUse(users));
    }
    let sql = "SELECT account, provider_id, at FROM sound_places WHERE name = $1 \
               ORDER BY version, account";
    let places = on.query(&on.prepare_cached(sql).await?, &[&name.as_str()]).await?;
    let places = places.iter().map(place_of).collect::<Result<_, _>>()?;
    let mut deleted = Vec::new();
    for sql in [
        "DELETE FROM sounds WHERE name = $1",
        "DELETE FROM sound_files WHERE name = $1",
        "DELETE FROM sound_places WHERE name = $1",
    ] {
        deleted.push(on.execute(&on.prepare_cached(sql).await?, &[&name.as_str()]).await?);
    }
    if deleted.first() == Some(&0) {
        return Ok(DeletedSound::NotFound);
    }
    on.commit().await?;
    Ok(DeletedSound::Deleted(places))
}

async fn put_prompt(on: &mut Object, prompt: &PromptRow) -> Result<bool, Failure> {
    let on = on.transaction().await?;
    changed(&on).await?;
    let was_there = remove_prompt(&on, &prompt.name).await?;
    let sql = "INSERT INTO prompts (name, default_language, changed_at) VALUES ($1, $2, $3)";
    let statement = on.prepare_cached(sql).await?;
    let of = prompt.name.as_str();
    let default = prompt.default_language.as_ref().map(Name::as_str);
    on.execute(&statement, &[&of, &default, &nanoseconds(prompt.changed_at)]).await?;
    let sql = "INSERT INTO prompt_languages \
               (prompt, language, greeting, confirmed, fallback, press, never_again) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let statement = on.prepare_cached(sql).await?;
    for three in &prompt.languages {
        let [press, never_again] =
            [three.press, three.never_again].map(|key| key.map(|key| i16::from(key.digit())));
        let [greeting, confirmed, fallback] =
            [&three.greeting, &three.confirmed, &three.fallback].map(|sound| text(sound));
        let language = three.language.as_str();
        on.execute(
            &statement,
            &[&of, &language, &greeting, &confirmed, &fallback, &press, &never_again],
        )
        .await?;
    }
    on.commit().await?;
    Ok(!was_there)
}

async fn delete_prompt(on: &mut Object, name: &Name) -> Result<bool, Failure> {
    let on = on.transaction().await?;
    changed(&on).await?;
    let was_there = remove_prompt(&on, name).await?;
    on.commit().await?;
    Ok(was_there)
}

async fn remove_prompt(on: &Transaction<'_>, name: &Name) -> Result<bool, Failure> {
    let sql = "DELETE FROM prompt_languages WHERE prompt = $1";
    on.execute(&on.prepare_cached(sql).await?, &[&name.as_str()]).await?;
    let sql = "DELETE FROM prompts WHERE name = $1";
    Ok(on.execute(&on.prepare_cached(sql).await?, &[&name.as_str()]).await? > 0)
}

pub(super) async fn catalogue(on: &mut Object) -> Result<CatalogueRows, Failure> {
    // First: what changes while the rest is read makes the reader come again.
    let change = change(on).await?;
    let on = on.transaction().await?;
    Ok(CatalogueRows { change, sounds: sounds(&on).await?, prompts: prompts(&on).await? })
}

async fn sounds(on: &Transaction<'_>) -> Result<Vec<SoundVersion>, Failure> {
    let sql = "SELECT name, version, digest, size, inspection, created_at FROM sounds \
               ORDER BY name, version";
    let rows = on.query(&on.prepare_cached(sql).await?, &[]).await?;
    let read = |row: &Row| {
        let (version, digest) = known(row)?;
        Ok(SoundVersion {
            name: name(row, "sounds", "name")?,
            version,
            digest,
            size: number::<i64, u32>(row, "sounds", "size")?,
            inspection: column::<&str>(row, "sounds", "inspection")?.into(),
            created_at: time(row, "sounds", "created_at")?,
            places: Vec::new(),
        })
    };
    let mut sounds = rows.iter().map(read).collect::<Result<Vec<SoundVersion>, Failure>>()?;
    let sql = "SELECT name, version, account, provider_id, at FROM sound_places \
               ORDER BY name, version, account";
    for row in &on.query(&on.prepare_cached(sql).await?, &[]).await? {
        let of = name(row, "sound_places", "name")?;
        let version = number::<i32, u32>(row, "sound_places", "version")?;
        let of = sounds.binary_search_by(|sound| (&sound.name, sound.version).cmp(&(&of, version)));
        if let Ok(of) = of {
            sounds[of].places.push(place_of(row)?);
        }
    }
    Ok(sounds)
}

fn place_of(row: &Row) -> Result<SoundPlace, Failure> {
    Ok(SoundPlace {
        account: name(row, "sound_places", "account")?,
        provider_id: column::<&str>(row, "sound_places", "provider_id")?.into(),
        at: time(row, "sound_places", "at")?,
    })
}

async fn prompts(on: &Transaction<'_>) -> Result<Vec<PromptRow>, Failure> {
    let sql = "SELECT name, default_language, changed_at FROM prompts ORDER BY name";
    let rows = on.query(&on.prepare_cached(sql).await?, &[]).await?;
    let sql = "SELECT language, greeting, confirmed, fallback, press, never_again \
               FROM prompt_languages WHERE prompt = $1 ORDER BY language";
    let languages = on.prepare_cached(sql).await?;
    let mut prompts = Vec::with_capacity(rows.len());
    for row in &rows {
        let of = name(row, "prompts", "name")?;
        let default: Option<&str> = column(row, "prompts", "default_language")?;
        let spoken = on.query(&languages, &[&of.as_str()]).await?;
        prompts.push(PromptRow {
            name: of,
            default_language: default
                .map(|_| name(row, "prompts", "default_language"))
                .transpose()?,
            changed_at: time(row, "prompts", "changed_at")?,
            languages: spoken.iter().map(language).collect::<Result<_, _>>()?,
        });
    }
    Ok(prompts)
}

fn language(row: &Row) -> Result<PromptLanguage, Failure> {
    const TABLE: &str = "prompt_languages";
    let key = |name| {
        let no_key = || unreadable(TABLE, name, Unreadable("it is no key"));
        let digit: Option<i16> = column(row, TABLE, name)?;
        let key = |digit| u8::try_from(digit).ok().and_then(Key::new);
        digit.map(|digit| key(digit).ok_or_else(no_key)).transpose()
    };
    Ok(PromptLanguage {
        language: name(row, TABLE, "language")?,
        greeting: column::<&str>(row, TABLE, "greeting")?.into(),
        confirmed: column::<&str>(row, TABLE, "confirmed")?.into(),
        fallback: column::<&str>(row, TABLE, "fallback")?.into(),
        press: key("press")?,
        never_again: key("never_again")?,
    })
}

async fn change(on: &Object) -> Result<i64, Failure> {
    let sql = "SELECT coalesce((SELECT value FROM numbers WHERE name = 'catalogue'), 0) AS value";
    let row = on.query_one(&on.prepare_cached(sql).await?, &[]).await?;
    column(&row, "numbers", "value")
}

/// Counts a change. Until its transaction ends, others wait here.
async fn changed(on: &Transaction<'_>) -> Result<(), Failure> {
    let sql = "INSERT INTO numbers (name, value) VALUES ('catalogue', 1) \
               ON CONFLICT (name) DO UPDATE SET value = numbers.value + 1";
    on.execute(&on.prepare_cached(sql).await?, &[]).await?;
    Ok(())
}

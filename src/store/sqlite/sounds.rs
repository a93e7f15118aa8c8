//! Sounds and prompts.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::columns::{Failure, column, first, name, nanoseconds, rows, time, unreadable};
use crate::domain::{Key, Name};
use crate::store::record::Unreadable;
use crate::store::{
    CatalogueRows, DeletedSound, KeptSound, NewSound, PromptLanguage, PromptRow, SoundFile,
    SoundPlace, SoundVersion, StoreError,
};

impl Sqlite {
    pub(in crate::store) async fn keep_sound(
        &self,
        sound: NewSound,
    ) -> Result<KeptSound, StoreError> {
        self.write(move |on| keep(on, &sound)).await
    }

    pub(in crate::store) async fn place_sound(
        &self,
        name: Name,
        version: u32,
        place: SoundPlace,
    ) -> Result<bool, StoreError> {
        self.write(move |on| self::place(on, &name, version, &place)).await
    }

    pub(in crate::store) async fn sound_file(
        &self,
        name: Name,
        version: u32,
        which: SoundFile,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.readers.read(move |on| file(on, &name, version, which)).await
    }

    pub(in crate::store) async fn delete_sound(
        &self,
        name: Name,
    ) -> Result<DeletedSound, StoreError> {
        self.write(move |on| delete(on, &name)).await
    }

    pub(in crate::store) async fn put_prompt(&self, prompt: PromptRow) -> Result<bool, StoreError> {
        self.write(move |on| self::put_prompt(on, &prompt)).await
    }

    pub(in crate::store) async fn delete_prompt(&self, name: Name) -> Result<bool, StoreError> {
        self.write(move |on| self::delete_prompt(on, &name)).await
    }

    pub(in crate::store) async fn catalogue_change(&self) -> Result<i64, StoreError> {
        self.readers.read(change).await
    }

    pub(in crate::store) async fn catalogue(&self) -> Result<CatalogueRows, StoreError> {
        self.readers.read(all).await
    }
}

pub(super) fn all(on: &Connection) -> Result<CatalogueRows, Failure> {
    // First: what changes while the rest is read makes the reader come again.
    let change = change(on)?;
    Ok(CatalogueRows { change, sounds: sounds(on)?, prompts: prompts(on)? })
}

fn keep(on: &Connection, sound: &NewSound) -> Result<KeptSound, Failure> {
    let sql = "SELECT version, digest FROM sounds WHERE name = ?1 ORDER BY version DESC LIMIT 1";
    let newest: Option<(u32, [u8; 32])> = first(on, sql, [sound.name.as_str()], |row| {
        Ok((column(row, "sounds", "version")?, column(row, "sounds", "digest")?))
    })?;
    let version = match newest {
        Some((version, digest)) if digest == sound.digest => return Ok(KeptSound::Known(version)),
        Some((version, _)) => version.saturating_add(1),
        None => 1,
    };
    let sql = "INSERT INTO sounds (name, version, digest, size, inspection, created_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    on.prepare_cached(sql)?.execute(params![
        sound.name.as_str(),
        version,
        sound.digest,
        u32::try_from(sound.original.len()).unwrap_or(u32::MAX),
        &*sound.inspection,
        nanoseconds(sound.created_at),
    ])?;
    let sql = "INSERT INTO sound_files (name, version, original, wav) VALUES (?1, ?2, ?3, ?4)";
    let files = params![sound.name.as_str(), version, &*sound.original, &*sound.wav];
    on.prepare_cached(sql)?.execute(files)?;
    changed(on)?;
    Ok(KeptSound::New(version))
}

fn place(on: &Connection, name: &Name, version: u32, place: &SoundPlace) -> Result<bool, Failure> {
    let sql = "INSERT INTO sound_places (name, version, account, provider_id, at) \
               SELECT name, version, ?3, ?4, ?5 FROM sounds WHERE name = ?1 AND version = ?2 \
               ON CONFLICT DO UPDATE SET provider_id = excluded.provider_id, at = excluded.at";
    let placed = on.prepare_cached(sql)?.execute(params![
        name.as_str(),
        version,
        place.account.as_str(),
        &*place.provider_id,
        nanoseconds(place.at),
    ])?;
    changed(on)?;
    Ok(placed > 0)
}

pub(super) fn file(
    on: &Connection,
    name: &Name,
    version: u32,
    which: SoundFile,
) -> Result<Option<Vec<u8>>, Failure> {
    let (sql, of) = match which {
        SoundFile::Original => {
            ("SELECT original FROM sound_files WHERE name = ?1 AND version = ?2", "original")
        }
        SoundFile::Converted => {
            ("SELECT wav FROM sound_files WHERE name = ?1 AND version = ?2", "wav")
        }
    };
    first(on, sql, params![name.as_str(), version], |row| column(row, "sound_files", of))
}

fn delete(on: &Connection, name: &Name) -> Result<DeletedSound, Failure> {
    let users = prompts(on)?.into_iter().filter(|prompt| prompt.names(name.as_str()));
    let users: Vec<Name> = users.map(|prompt| prompt.name).collect();
    if !users.is_empty() {
        return Ok(DeletedSound::InUse(users));
    }
    let sql = "SELECT account, provider_id, at FROM sound_places WHERE name = ?1 \
               ORDER BY version, account";
    let places = rows(on, sql, [name.as_str()], place_of)?;
    if on.prepare_cached("DELETE FROM sounds WHERE name = ?1")?.execute([name.as_str()])? == 0 {
        return Ok(DeletedSound::NotFound);
    }
    on.prepare_cached("DELETE FROM sound_files WHERE name = ?1")?.execute([name.as_str()])?;
    on.prepare_cached("DELETE FROM sound_places WHERE name = ?1")?.execute([name.as_str()])?;
    changed(on)?;
    Ok(DeletedSound::Deleted(places))
}

fn put_prompt(on: &Connection, prompt: &PromptRow) -> Result<bool, Failure> {
    let was_there = delete_prompt(on, &prompt.name)?;
    let sql = "INSERT INTO prompts (name, default_language, changed_at) VALUES (?1, ?2, ?3)";
    on.prepare_cached(sql)?.execute(params![
        prompt.name.as_str(),
        prompt.default_language.as_ref().map(Name::as_str),
        nanoseconds(prompt.changed_at),
    ])?;
    let sql = "INSERT INTO prompt_languages \
               (prompt, language, greeting, confirmed, fallback, press, never_again) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    for three in &prompt.languages {
        on.prepare_cached(sql)?.execute(params![
            prompt.name.as_str(),
            three.language.as_str(),
            &*three.greeting,
            &*three.confirmed,
            &*three.fallback,
            three.press.map(Key::digit),
            three.never_again.map(Key::digit),
        ])?;
    }
    changed(on)?;
    Ok(!was_there)
}

fn delete_prompt(on: &Connection, name: &Name) -> Result<bool, Failure> {
    let sql = "DELETE FROM prompt_languages WHERE prompt = ?1";
    on.prepare_cached(sql)?.execute([name.as_str()])?;
    let deleted =
        on.prepare_cached("DELETE FROM prompts WHERE name = ?1")?.execute([name.as_str()])?;
    changed(on)?;
    Ok(deleted > 0)
}

/// Every version of every sound, without its files.
fn sounds(on: &Connection) -> Result<Vec<SoundVersion>, Failure> {
    let sql = "SELECT name, version, digest, size, inspection, created_at FROM sounds \
               ORDER BY name, version";
    let mut sounds = rows(on, sql, [], |row| {
        Ok(SoundVersion {
            name: name(row, "sounds", "name")?,
            version: column(row, "sounds", "version")?,
            digest: column(row, "sounds", "digest")?,
            size: column(row, "sounds", "size")?,
            inspection: column(row, "sounds", "inspection")?,
            created_at: time(row, "sounds", "created_at")?,
            places: Vec::new(),
        })
    })?;
    let sql = "SELECT name, version, account, provider_id, at FROM sound_places \
               ORDER BY name, version, account";
    let places = rows(on, sql, [], |row| {
        let key: (Name, u32) =
            (name(row, "sound_places", "name")?, column(row, "sound_places", "version")?);
        Ok((key, place_of(row)?))
    })?;
    for ((name, version), place) in places {
        let of =
            sounds.binary_search_by(|sound| (&sound.name, sound.version).cmp(&(&name, version)));
        if let Ok(of) = of {
            sounds[of].places.push(place);
        }
    }
    Ok(sounds)
}

fn place_of(row: &Row<'_>) -> Result<SoundPlace, Failure> {
    Ok(SoundPlace {
        account: name(row, "sound_places", "account")?,
        provider_id: column(row, "sound_places", "provider_id")?,
        at: time(row, "sound_places", "at")?,
    })
}

fn prompts(on: &Connection) -> Result<Vec<PromptRow>, Failure> {
    let sql = "SELECT name, default_language, changed_at FROM prompts ORDER BY name";
    let mut prompts = rows(on, sql, [], |row| {
        let default: Option<Box<str>> = column(row, "prompts", "default_language")?;
        Ok(PromptRow {
            name: name(row, "prompts", "name")?,
            default_language: default
                .map(|_| name(row, "prompts", "default_language"))
                .transpose()?,
            changed_at: time(row, "prompts", "changed_at")?,
            languages: Vec::new(),
        })
    })?;
    let sql = "SELECT language, greeting, confirmed, fallback, press, never_again \
               FROM prompt_languages WHERE prompt = ?1 ORDER BY language";
    for prompt in &mut prompts {
        prompt.languages = rows(on, sql, [prompt.name.as_str()], language)?;
    }
    Ok(prompts)
}

fn language(row: &Row<'_>) -> Result<PromptLanguage, Failure> {
    const TABLE: &str = "prompt_languages";
    let key = |name| {
        let no_key = || unreadable(TABLE, name, Unreadable("it is no key"));
        let digit: Option<u8> = column(row, TABLE, name)?;
        digit.map(|digit| Key::new(digit).ok_or_else(no_key)).transpose()
    };
    Ok(PromptLanguage {
        language: name(row, TABLE, "language")?,
        greeting: column(row, TABLE, "greeting")?,
        confirmed: column(row, TABLE, "confirmed")?,
        fallback: column(row, TABLE, "fallback")?,
        press: key("press")?,
        never_again: key("never_again")?,
    })
}

fn change(on: &Connection) -> Result<i64, Failure> {
    let mut read = on.prepare_cached("SELECT value FROM meta WHERE name = 'catalogue'")?;
    Ok(read.query_row([], |row| row.get(0)).optional()?.unwrap_or(0))
}

fn changed(on: &Connection) -> Result<(), Failure> {
    let sql = "INSERT INTO meta (name, value) VALUES ('catalogue', 1) \
               ON CONFLICT (name) DO UPDATE SET value = value + 1";
    on.prepare_cached(sql)?.execute([])?;
    Ok(())
}

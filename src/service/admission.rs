//! Admission: everything that is checked of a start before anything is stored.

use jiff::SignedDuration;

use crate::domain::{Key, Name, Sounds, Step};
use crate::provider::ButtonCall;

use super::start::{Press, StartRefusal, StartRequest, WantedSounds};
use super::{Account, AccountIndex, PromptKey, PromptSounds, Service};

/// A start that has passed every check short of the store.
pub(super) struct Admitted {
    pub(super) account: AccountIndex,
    pub(super) step: Step,
    pub(super) call: ButtonCall,
    pub(super) expires_in: SignedDuration,
}

impl Service {
    /// Checks a start; changes nothing.
    pub(super) fn admit(&self, request: &StartRequest) -> Result<Admitted, StartRefusal> {
        let (account, found) = self.account_of(request)?;
        let facts = found.facts();
        if facts.is_own(request.to) {
            return Err(StartRefusal::OwnNumber);
        }
        let (sounds, wanted, press) = self.choose(request)?;
        let resolve = |sound: &str| {
            facts.sound_id(sound).map_err(|()| StartRefusal::SoundMissing(sound.to_owned()))
        };
        let from = request.from.or(found.from);
        let call = ButtonCall {
            to: request.to,
            from,
            greeting: resolve(&wanted.greeting)?,
            confirmed: resolve(&wanted.confirmed)?,
            fallback: resolve(&wanted.fallback)?,
        };
        let (press, random_key) = match press {
            Press::Fixed(key) => (key, false),
            Press::Random => (self.random_key(), true),
        };
        let step = Step { account: found.name.clone(), from, press, random_key, sounds };
        Ok(Admitted { account, step, call, expires_in: self.lifetime(request)? })
    }

    /// The account that a start names, or the first.
    pub(super) fn account_of(
        &self,
        request: &StartRequest,
    ) -> Result<(AccountIndex, &Account), StartRefusal> {
        let wanted =
            |account: &&Account| request.account.as_ref().is_none_or(|name| *name == account.name);
        let found = self.accounts.iter().enumerate().find(|(_, account)| wanted(account));
        let index = found
            .and_then(|(index, account)| Some((AccountIndex(u16::try_from(index).ok()?), account)));
        index.ok_or_else(|| {
            StartRefusal::UnknownAccount(
                request.account.clone().unwrap_or_else(|| request.app.clone()),
            )
        })
    }

    /// What the call plays and which key it asks for.
    fn choose(
        &self,
        request: &StartRequest,
    ) -> Result<(Sounds, PromptSounds, Press), StartRefusal> {
        let (name, language) = match &request.sounds {
            WantedSounds::Given { greeting, confirmed, fallback } => {
                let (greeting, confirmed, fallback) =
                    (greeting.clone(), confirmed.clone(), fallback.clone());
                let press = request.press.unwrap_or(Press::Fixed(Key::ONE));
                let wanted = PromptSounds {
                    greeting: greeting.to_string(),
                    confirmed: confirmed.to_string(),
                    fallback: fallback.to_string(),
                    press: PromptKey::Random,
                };
                return Ok((Sounds::Given { greeting, confirmed, fallback }, wanted, press));
            }
            WantedSounds::Prompt { name, language } => (name.as_ref(), language.as_ref()),
        };
        let prompts = &self.settings.prompts;
        let suits = |name: &Name| {
            let declared =
                |sounds: &PromptSounds| request.press.is_none_or(|press| sounds.press.is(press));
            prompts[name].languages.values().any(declared)
        };
        let default = Name::parse("default").ok();
        let known = |name: &&Name| prompts.contains_key(*name);
        let mut in_order = default.iter().filter(known).chain(prompts.keys());
        let first = in_order.clone().next();
        let chosen = name.or_else(|| in_order.find(|name| suits(name))).or(first);
        let unknown = || StartRefusal::UnknownPrompt { known: list(prompts.keys()) };
        let name = chosen.ok_or_else(unknown)?;
        let languages = &prompts.get(name).ok_or_else(unknown)?.languages;
        let unknown = || StartRefusal::UnknownLanguage { known: list(languages.keys()) };
        let english = Name::parse("en").ok();
        let fallback = english
            .as_ref()
            .filter(|en| languages.contains_key(en))
            .or_else(|| languages.keys().next());
        let language = language.or(fallback).ok_or_else(unknown)?;
        let sounds = languages.get(language).ok_or_else(unknown)?;
        let press = request.press.unwrap_or(match sounds.press {
            PromptKey::Fixed(key) => Press::Fixed(key),
            PromptKey::Random => Press::Random,
        });
        if !sounds.press.is(press) {
            return Err(StartRefusal::PressMismatch { declared: sounds.press.describe() });
        }
        Ok((
            Sounds::Prompt { name: name.clone(), language: language.clone() },
            sounds.clone(),
            press,
        ))
    }

    /// A key for number matching: any digit but 1 and the keys that other prompts name.
    fn random_key(&self) -> Key {
        let declared = |key: &Key| {
            let mut sounds =
                self.settings.prompts.values().flat_map(|prompt| prompt.languages.values());
            sounds.any(|sounds| sounds.press == PromptKey::Fixed(*key))
        };
        let all = (0..=9).filter_map(Key::new).filter(|key| *key != Key::ONE);
        let free: Vec<Key> = all.clone().filter(|key| !declared(key)).collect();
        let keys = if free.is_empty() { all.collect() } else { free };
        keys[rand::random_range(0..keys.len())]
    }

    fn lifetime(&self, request: &StartRequest) -> Result<SignedDuration, StartRefusal> {
        let max = self.settings.max_expires_in;
        let wanted = request.expires_in.unwrap_or(self.settings.expires_in);
        if wanted < SignedDuration::from_secs(10) || wanted > max {
            return Err(StartRefusal::Lifetime { max: max.as_secs() });
        }
        Ok(wanted)
    }
}

impl PromptKey {
    fn is(self, press: Press) -> bool {
        match (self, press) {
            (Self::Fixed(declared), Press::Fixed(wanted)) => declared == wanted,
            (Self::Random, Press::Random) => true,
            (Self::Fixed(_), Press::Random) | (Self::Random, Press::Fixed(_)) => false,
        }
    }

    fn describe(self) -> String {
        match self {
            Self::Fixed(key) => format!("the key {key}"),
            Self::Random => "the digit on the person's screen (press \"random\")".to_owned(),
        }
    }
}

fn list<'a>(names: impl Iterator<Item = &'a Name>) -> String {
    let names: Vec<&str> = names.map(Name::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

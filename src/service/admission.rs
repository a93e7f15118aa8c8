//! Admission: everything that is checked of a start before anything is stored.

use jiff::SignedDuration;

use crate::domain::{
    Button, By, Channel, Code, CodeBy, CodeSource, CodeStep, Key, Level, MARKER, Name, Numbering,
    PhoneNumber, Sounds, Step,
};

use super::refusal::StartRefusal;
use super::request::{
    Press, StartRequest, WantedBy, WantedCode, WantedPlan, WantedSounds, WantedStep,
};
use super::{Account, AccountIndex, PromptKey, PromptSounds, Service};

/// The most steps of a plan.
pub(super) const MOST_STEPS: usize = 8;

/// A start that has passed every check short of the store.
pub(super) struct Admitted {
    pub(super) account: AccountIndex,
    /// Of the number; nothing of an address.
    pub(super) numbering: Numbering,
    pub(super) steps: Vec<Step>,
    /// Digits of the codes, if a step sends one.
    pub(super) code_length: Option<u8>,
    pub(super) expires_in: SignedDuration,
}

impl Service {
    /// The steps that a start wants, its own or those of the plan that it names.
    pub(super) fn wanted_steps<'a>(
        &'a self,
        request: &'a StartRequest,
    ) -> Result<&'a [WantedStep], StartRefusal> {
        let plans = &self.settings.plans;
        let steps = match &request.plan {
            WantedPlan::Steps(steps) => steps,
            WantedPlan::Named(name) => plans
                .get(name)
                .ok_or_else(|| StartRefusal::UnknownPlan { known: list(plans.keys()) })?,
        };
        if (1..=MOST_STEPS).contains(&steps.len()) {
            Ok(steps)
        } else {
            Err(StartRefusal::PlanLength)
        }
    }

    /// Checks a start; changes nothing.
    pub(super) fn admit(
        &self,
        request: &StartRequest,
        wanted: &[WantedStep],
    ) -> Result<Admitted, StartRefusal> {
        let (account, found) = self.account_of(request)?;
        let number = request.to.phone();
        if number.is_some_and(|number| found.facts().is_own(number)) {
            return Err(StartRefusal::OwnNumber);
        }
        let numbering = number.map(PhoneNumber::numbering).unwrap_or_default();
        let reaches_no = |channel| numbering.is_landline && channel == Channel::Sms;
        let step = |wanted: &WantedStep| {
            let by = match &wanted.by {
                WantedBy::Button { from, sounds, press } => {
                    By::Button(self.button(request, found, *from, sounds, *press)?)
                }
                WantedBy::Code { new_code, language, by } => {
                    By::Code(Box::new(self.code_step(request, found, *new_code, language, by)?))
                }
            };
            let mut step =
                Step { account: found.name.clone(), wait: wanted.wait, skipped: false, by };
            let skips = || self.guard.skips(&request.app, numbering.country, step.channel());
            step.skipped = reaches_no(step.channel()) || number.is_some() && skips();
            let by_email = step.channel() == Channel::Email;
            if by_email == number.is_some() {
                return Err(StartRefusal::ChannelMismatch(step.channel()));
            }
            Ok(step)
        };
        let mut steps = wanted.iter().map(step).collect::<Result<Vec<_>, _>>()?;
        if steps.iter().all(|step| step.skipped) {
            // What only the guard passes over, it is to refuse itself.
            steps.iter_mut().for_each(|step| step.skipped = reaches_no(step.channel()));
        }
        if steps.iter().all(|step| step.skipped) {
            return Err(StartRefusal::Landline);
        }
        if let Some(demanded) = request.evidence {
            steps.iter().try_for_each(|step| brings(found, step, demanded))?;
        }
        let code_length = self.code_length(request, &steps)?;
        let expires_in = self.lifetime(request)?;
        Ok(Admitted { account, numbering, steps, code_length, expires_in })
    }

    /// A button call whose sounds the provider has.
    fn button(
        &self,
        request: &StartRequest,
        account: &Account,
        from: Option<PhoneNumber>,
        wanted: &WantedSounds,
        press: Option<Press>,
    ) -> Result<Button, StartRefusal> {
        let (sounds, named, press) = self.choose(wanted, press, request.language.as_ref())?;
        let tested = self.tested(request).is_some();
        for sound in [&named.greeting, &named.confirmed, &named.fallback] {
            let known = tested || self.sound_id(account, sound).is_ok();
            if !known {
                return Err(StartRefusal::SoundMissing(sound.clone()));
            }
        }
        let (press, random_key) = match press {
            Press::Fixed(key) => (key, false),
            Press::Random => (self.random_key(named.refuse), true),
        };
        let refuse = named.refuse;
        Ok(Button { from: from.or(account.from), press, random_key, refuse, sounds })
    }

    /// A code that the provider can tell in the language wanted.
    fn code_step(
        &self,
        request: &StartRequest,
        account: &Account,
        new_code: bool,
        language: &Option<Name>,
        wanted: &WantedCode,
    ) -> Result<CodeStep, StartRefusal> {
        let known = account.provider.code_languages();
        let language = language.as_ref().or(request.language.as_ref());
        if language.is_some_and(|language| !known.contains(&language.as_str())) {
            return Err(StartRefusal::UnknownCodeLanguage { known: known.join(", ") });
        }
        if new_code && request.code.is_some() {
            return Err(StartRefusal::NewOwnCode);
        }
        let by = match wanted {
            WantedCode::Call { from } => CodeBy::Call { from: from.or(account.from) },
            WantedCode::Sms { template, sender } => {
                CodeBy::Sms { template: template.clone(), sender: sender.clone() }
            }
            WantedCode::PlainSms { sender, text } => {
                if !text.contains(MARKER) {
                    return Err(StartRefusal::NoMarker { marker: MARKER });
                }
                CodeBy::PlainSms { sender: sender.clone(), text: text.clone() }
            }
            WantedCode::Email { from, subject, body } => {
                let marker = account.provider.code_marker();
                if body.as_ref().is_some_and(|body| !body.contains(marker)) {
                    return Err(StartRefusal::NoMarker { marker });
                }
                CodeBy::Email {
                    from: from.as_ref().map(|from| from.as_str().into()),
                    subject: subject.clone(),
                    body: body.clone(),
                }
            }
        };
        // What the request says of the code itself, only this service can keep.
        let given = request.code.is_some()
            || request.code_length.is_some()
            || self.tested(request).is_some();
        let source = if given { CodeSource::Own } else { self.settings.codes.source_of(&by) };
        Ok(CodeStep { source, new_code, language: language.cloned(), by })
    }

    fn code_length(
        &self,
        request: &StartRequest,
        steps: &[Step],
    ) -> Result<Option<u8>, StartRefusal> {
        let sends_code = steps.iter().any(|step| step.code().is_some());
        let own = request.code.as_ref().and_then(|code| u8::try_from(code.expose().len()).ok());
        let given = own.or(request.code_length);
        if given.is_some() && !sends_code {
            return Err(StartRefusal::CodeUnused);
        }
        let length = given.unwrap_or(self.settings.codes.length);
        if !(Code::SHORTEST..=Code::LONGEST).contains(&length) {
            return Err(StartRefusal::CodeLength);
        }
        Ok(sends_code.then_some(length))
    }

    /// The account of that name.
    pub(super) fn account_named(&self, name: &Name) -> Option<(AccountIndex, &Account)> {
        let index = self.accounts.iter().position(|account| account.name == *name)?;
        Some((AccountIndex(u16::try_from(index).ok()?), &self.accounts[index]))
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
        wanted: &WantedSounds,
        press: Option<Press>,
        default_language: Option<&Name>,
    ) -> Result<(Sounds, PromptSounds, Press), StartRefusal> {
        let (name, language) = match wanted {
            WantedSounds::Given { greeting, confirmed, fallback } => {
                let (greeting, confirmed, fallback) =
                    (greeting.clone(), confirmed.clone(), fallback.clone());
                let press = press.unwrap_or(Press::Fixed(Key::ONE));
                let wanted = PromptSounds {
                    greeting: greeting.to_string(),
                    confirmed: confirmed.to_string(),
                    fallback: fallback.to_string(),
                    press: PromptKey::Random,
                    refuse: None,
                };
                return Ok((Sounds::Given { greeting, confirmed, fallback }, wanted, press));
            }
            WantedSounds::Prompt { name, language } => {
                (name.as_ref(), language.as_ref().or(default_language))
            }
        };
        let known = self.catalogue.now();
        let prompts = &known.prompts;
        let suits = |name: &Name| {
            let declared = |sounds: &PromptSounds| press.is_none_or(|press| sounds.press.is(press));
            prompts[name].languages.values().any(declared)
        };
        let default = Name::parse("default").ok();
        let is_known = |name: &&Name| prompts.contains_key(*name);
        let mut in_order = default.iter().filter(is_known).chain(prompts.keys());
        let first = in_order.clone().next();
        let chosen = name.or_else(|| in_order.find(|name| suits(name))).or(first);
        let unknown = || StartRefusal::UnknownPrompt { known: list(prompts.keys()) };
        let name = chosen.ok_or_else(unknown)?;
        let (language, sounds) =
            prompts.get(name).and_then(|prompt| prompt.speak(language)).ok_or_else(unknown)?;
        let press = press.unwrap_or(match sounds.press {
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

    /// A key for number matching: any digit but 1, the prompt's own key `refuse`, and the keys
    /// that other prompts name, if that leaves one.
    fn random_key(&self, refuse: Option<Key>) -> Key {
        let known = self.catalogue.now();
        let declared = |key: &Key| {
            let mut sounds = known.prompts.values().flat_map(|prompt| prompt.languages.values());
            sounds
                .any(|sounds| sounds.press == PromptKey::Fixed(*key) || sounds.refuse == Some(*key))
        };
        let all =
            (0..=9).filter_map(Key::new).filter(|key| *key != Key::ONE && refuse != Some(*key));
        let free: Vec<Key> = all.clone().filter(|key| !declared(key)).collect();
        let keys = if free.is_empty() { all.collect() } else { free };
        keys[rand::random_range(0..keys.len())]
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

/// Whether a step's result can have the evidence that is demanded. All else that a level
/// needs is required of every notification.
fn brings(account: &Account, step: &Step, demanded: Level) -> Result<(), StartRefusal> {
    let reaches = step.button().map(|button| match (account.requires_source, button.random_key) {
        (false, _) => Level::Weak,
        (true, false) => Level::Partial,
        (true, true) => Level::Strong,
    });
    if reaches.is_some_and(|level| level >= demanded) {
        return Ok(());
    }
    Err(StartRefusal::Evidence { demanded, channel: step.channel(), reaches })
}

//! From a step of a plan to what the provider is asked: sounds by their ids, and
//! the code that counts.

use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::domain::{
    Asks, Attempt, Button, By, Channel, Code, CodeSource, CodeStep, Sounds, Step, Verification,
    VerificationId, WrittenForm,
};
use crate::live::Finding;
use crate::provider::{ButtonCall, CodeMessage, Slot};

use super::refusal::StartRefusal;
use super::{Account, AccountIndex, Service};

/// What the provider is asked for, once.
pub(super) enum Sending {
    Button(ButtonCall),
    Code(CodeMessage),
}

impl Service {
    /// What carries out an attempt.
    ///
    /// # Errors
    /// When the configuration or the provider has not what the step names any more.
    pub(super) fn sending(
        &self,
        verification: &Verification,
        attempt: &Attempt,
    ) -> Result<Sending, StartRefusal> {
        let step = verification.step_of(attempt).ok_or(StartRefusal::PlanLength)?;
        let (_, account) = self
            .account_named(&step.account)
            .ok_or_else(|| StartRefusal::UnknownAccount(step.account.clone()))?;
        match &step.by {
            By::Button(button) => self.button_call(verification, account, button),
            By::Code(code) => self.code_message(verification, attempt, step.channel(), code),
        }
    }

    fn button_call(
        &self,
        verification: &Verification,
        account: &Account,
        button: &Button,
    ) -> Result<Sending, StartRefusal> {
        let id = |sound: &str| {
            self.sound_id(account, sound).map_err(|()| StartRefusal::SoundMissing(sound.to_owned()))
        };
        let (greeting, confirmed, fallback) = match &button.sounds {
            Sounds::Given { greeting, confirmed, fallback } => {
                (id(greeting)?, id(confirmed)?, id(fallback)?)
            }
            Sounds::Prompt { name, language } => {
                let known = self.catalogue.now();
                let prompt = known.prompts.get(name);
                let sounds = prompt.and_then(|prompt| prompt.languages.get(language));
                let unknown = || StartRefusal::UnknownPrompt { known: name.to_string() };
                let sounds = sounds.ok_or_else(unknown)?;
                (id(&sounds.greeting)?, id(&sounds.confirmed)?, id(&sounds.fallback)?)
            }
        };
        let to = verification.to.phone();
        let to = to.ok_or(StartRefusal::ChannelMismatch(Channel::CallButton))?;
        Ok(Sending::Button(ButtonCall { to, from: button.from, greeting, confirmed, fallback }))
    }

    fn code_message(
        &self,
        verification: &Verification,
        attempt: &Attempt,
        channel: Channel,
        step: &CodeStep,
    ) -> Result<Sending, StartRefusal> {
        let code = match (step.source, attempt.asks) {
            (CodeSource::Provider, _) => None,
            (CodeSource::Own, Asks::Code(generation)) => {
                Some(self.code(verification, generation).ok_or(StartRefusal::CodeLength)?)
            }
            (CodeSource::Own, Asks::Key(_)) => {
                return Err(StartRefusal::ChannelMismatch(channel));
            }
        };
        Ok(Sending::Code(CodeMessage {
            to: verification.to.clone(),
            code,
            language: step.language.clone(),
            by: step.by.clone(),
        }))
    }

    /// The code of one generation: the app's own, or the derived one.
    pub(super) fn code(&self, verification: &Verification, generation: u8) -> Option<Code> {
        let codes = verification.codes.as_deref()?;
        match &codes.sealed {
            Some(sealed) => self.store_key().open_code(verification.id, sealed),
            None => {
                Some(self.store_key().code(verification.id, generation, &codes.seed, codes.length))
            }
        }
    }

    /// Holds the newest version in memory. If its last attempt is a button call,
    /// which has just claimed its number, notifications find it by these claims.
    pub(super) fn hold(&self, verification: &Verification, packed: &[u8]) {
        let last = verification.attempts.last();
        let claims = last.is_some_and(|attempt| !attempt.asks.is_code());
        self.hold_by(verification, self.findings(verification, claims), packed);
    }

    /// Holds the newest version by what it claims no more, or never did.
    pub(super) fn hold_unclaimed(&self, verification: &Verification, packed: &[u8]) {
        self.hold_by(verification, self.findings(verification, false), packed);
    }

    fn hold_by(&self, verification: &Verification, findings: Vec<Finding>, packed: &[u8]) {
        let until = verification.live_until(self.timing());
        self.live.hold_by(verification.id, verification.version, until, &findings, packed);
    }

    /// The forms of a number that has been called. One account places all of a
    /// verification's calls.
    fn findings(&self, verification: &Verification, claimed: bool) -> Vec<Finding> {
        let is_call =
            |step: &&Step| matches!(step.channel(), Channel::CallButton | Channel::CallCode);
        let mut steps =
            verification.attempts.iter().filter_map(|attempt| verification.step_of(attempt));
        let account =
            steps.find(is_call).and_then(|step| Some(self.account_named(&step.account)?.0));
        let called = account.zip(verification.to.phone()).filter(|_| !verification.test);
        let Some((account, number)) = called else {
            return Vec::new();
        };
        let forms = WrittenForm::all_of(number).into_iter();
        forms.map(|form| Finding { account, form, claimed }).collect()
    }

    /// Dispatches an attempt in a task of its own.
    pub(super) fn send_in_background(
        self: &Arc<Self>,
        account: AccountIndex,
        id: VerificationId,
        attempt: u8,
        slot: Slot,
        sending: Sending,
    ) -> JoinHandle<()> {
        self.money.attempted(account);
        let service = Arc::clone(self);
        self.background.tasks.spawn_on(
            async move { service.dispatch(account, id, attempt, slot, sending).await },
            &self.background.runtime,
        )
    }
}

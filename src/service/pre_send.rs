//! Pre-send: before anything is reserved, stored or dialled, an app that wants to be
//! asked says whether and how. What it changes passes admission again.

use crate::domain::{By, Channel, CodeBy, Name, Sounds, Step};
use crate::outbound::{Answer, Changes, Question};

use super::admission::Admitted;
use super::refusal::StartRefusal;
use super::request::MAX_TEMPLATE;
use super::{Service, StartRequest, WantedBy, WantedCode, WantedPlan, WantedSounds, WantedStep};

impl Service {
    /// Admits a start, and asks its app if that wants to be asked.
    pub(super) async fn admit_and_ask(
        &self,
        mut request: StartRequest,
    ) -> Result<(StartRequest, Admitted), StartRefusal> {
        if let Some(url) = &request.callback_url {
            self.outbound.accept_callback(&request.app, url).map_err(StartRefusal::Callback)?;
        }
        let admitted = self.admit_once_known(&request).await?;
        if !self.outbound.asks(&request.app) {
            return Ok((request, admitted));
        }
        let (begins, question) = question(&request, &admitted);
        let answer = tokio::select! {
            answer = self.outbound.ask(&request.app, question) => answer,
            () = self.closing.cancelled() => return Err(StartRefusal::Closing),
        };
        match answer {
            Answer::Allow => Ok((request, admitted)),
            Answer::Deny { reason } => Err(StartRefusal::Denied { reason }),
            Answer::Failed => Err(StartRefusal::Unasked),
            Answer::Change(changes) => {
                let steps = self.wanted_steps(&request)?.to_vec();
                request.plan = WantedPlan::Steps(changed(steps, begins, changes)?);
                let admitted = self.admit_once_known(&request).await?;
                Ok((request, admitted))
            }
        }
    }
}

/// The step that begins, and what is asked about it.
fn question<'a>(request: &'a StartRequest, admitted: &'a Admitted) -> (usize, Question<'a>) {
    let steps = &admitted.steps;
    let begins = steps.iter().position(|step| !step.skipped).unwrap_or(0);
    let (prompt, language, template) = match &steps[begins].by {
        By::Button(button) => match &button.sounds {
            Sounds::Prompt { name, language } => (Some(name), Some(language), None),
            Sounds::Given { .. } => (None, None, None),
        },
        By::Code(code) => match &code.by {
            CodeBy::Sms { template, .. } => (None, code.language.as_ref(), template.as_deref()),
            CodeBy::Call { .. } | CodeBy::PlainSms { .. } | CodeBy::Email { .. } => {
                (None, code.language.as_ref(), None)
            }
        },
    };
    let question = Question {
        to: &request.to,
        channel: steps[begins].channel(),
        plan: steps.iter().map(Step::channel).collect(),
        prompt,
        language,
        template,
        reference: request.reference.as_deref(),
        metadata: request.metadata.as_deref(),
    };
    (begins, question)
}

/// The steps with what the app wants otherwise: another channel for the one that begins, a
/// language for all, a prompt for every call that plays one, a template for every SMS.
fn changed(
    mut steps: Vec<WantedStep>,
    begins: usize,
    changes: Changes,
) -> Result<Vec<WantedStep>, StartRefusal> {
    let Changes { language, prompt, template, channel } = changes;
    if let Some((word, step)) = channel.zip(steps.get_mut(begins)) {
        let channel = Channel::parse(&word).ok_or_else(|| unheard("channel", &word))?;
        // What a text of its own says, perhaps of a payment, no other channel would say.
        if says_its_own(&step.by) {
            return Err(unheard("channel", &word));
        }
        if channel != step.by.channel() {
            step.by = plainly(channel);
        }
    }
    let named = |what, text: Option<String>| {
        text.map(|text| Name::parse(&text).map_err(|_| unheard(what, &text))).transpose()
    };
    let (prompt, language) = (named("prompt", prompt)?, named("language", language)?);
    let plays = steps.iter().any(|step| step.by.channel() == Channel::CallButton);
    if let Some(prompt) = prompt.as_ref().filter(|_| !plays) {
        return Err(unheard("prompt", prompt.as_str()));
    }
    let texts =
        steps.iter().any(|step| step.by.channel() == Channel::Sms && !says_its_own(&step.by));
    let fits = |text: &String| texts && is_template(text);
    if let Some(template) = template.as_ref().filter(|template| !fits(template)) {
        return Err(unheard("template", template));
    }
    for step in &mut steps {
        change(&mut step.by, prompt.as_ref(), language.as_ref(), template.as_deref());
    }
    Ok(steps)
}

/// A step by a channel of which nothing else is said.
fn plainly(channel: Channel) -> WantedBy {
    let by = match channel {
        Channel::CallButton => {
            let sounds = WantedSounds::Prompt { name: None, language: None };
            return WantedBy::Button { from: None, sounds, press: None };
        }
        Channel::CallCode => WantedCode::Call { from: None },
        Channel::Sms => WantedCode::Sms { template: None, sender: None },
        Channel::Email => WantedCode::Email { from: None, subject: None, body: None },
    };
    WantedBy::Code { new_code: false, language: None, by }
}

/// Changes one step. A prompt or a language replaces sounds that the start gave.
fn change(
    step: &mut WantedBy,
    prompt: Option<&Name>,
    language: Option<&Name>,
    template: Option<&str>,
) {
    match step {
        WantedBy::Button { sounds, .. } if prompt.is_some() || language.is_some() => {
            let (known_prompt, known_language) = match sounds {
                WantedSounds::Prompt { name, language } => (name.take(), language.take()),
                WantedSounds::Given { .. } => (None, None),
            };
            *sounds = WantedSounds::Prompt {
                name: prompt.cloned().or(known_prompt),
                language: language.cloned().or(known_language),
            };
        }
        WantedBy::Button { .. } => {}
        WantedBy::Code { language: spoken, by, .. } => {
            *spoken = language.cloned().or(spoken.take());
            if let (WantedCode::Sms { template: used, .. }, Some(wanted)) = (by, template) {
                *used = Some(wanted.into());
            }
        }
    }
}

const fn says_its_own(step: &WantedBy) -> bool {
    matches!(step, WantedBy::Code { by: WantedCode::PlainSms { .. }, .. })
}

fn is_template(text: &str) -> bool {
    (1..=MAX_TEMPLATE).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn unheard(what: &str, text: &str) -> StartRefusal {
    StartRefusal::Unheard { what: format!("the {what} {text:?}") }
}

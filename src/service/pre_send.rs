//! Pre-send: before anything is reserved, stored or dialled, an app that wants to be
//! asked says whether and how. What it changes passes admission again.

use crate::domain::{Channel, Name, Sounds};
use crate::outbound::{Answer, Changes, Question};

use super::Service;
use super::admission::Admitted;
use super::start::{StartRefusal, StartRequest, WantedSounds};

impl Service {
    /// Admits a start, and asks its app if that wants to be asked.
    pub(super) async fn admit_and_ask(
        &self,
        request: StartRequest,
    ) -> Result<(StartRequest, Admitted), StartRefusal> {
        if let Some(url) = &request.callback_url {
            self.outbound.accept_callback(&request.app, url).map_err(StartRefusal::Callback)?;
        }
        let admitted = self.admit(&request)?;
        if !self.outbound.asks(&request.app) {
            return Ok((request, admitted));
        }
        let answer = tokio::select! {
            answer = self.outbound.ask(&request.app, question(&request, &admitted)) => answer,
            () = self.closing.cancelled() => return Err(StartRefusal::Closing),
        };
        match answer {
            Answer::Allow => Ok((request, admitted)),
            Answer::Deny { reason } => Err(StartRefusal::Denied { reason }),
            Answer::Failed => Err(StartRefusal::Unasked),
            Answer::Change(changes) => {
                let request = changed(request, changes)?;
                let admitted = self.admit(&request)?;
                Ok((request, admitted))
            }
        }
    }
}

fn question<'a>(request: &'a StartRequest, admitted: &'a Admitted) -> Question<'a> {
    let (prompt, language) = match &admitted.step.sounds {
        Sounds::Prompt { name, language } => (Some(name), Some(language)),
        Sounds::Given { .. } => (None, None),
    };
    Question {
        to: request.to,
        channel: admitted.step.channel().as_str(),
        prompt,
        language,
        reference: request.reference.as_deref(),
        metadata: request.metadata.as_deref(),
    }
}

/// The request with what the app wants otherwise. A prompt or a language replaces sounds
/// that the start gave.
fn changed(mut request: StartRequest, changes: Changes) -> Result<StartRequest, StartRefusal> {
    let Changes { language, prompt, template, channel } = changes;
    if let Some(channel) = channel.filter(|channel| *channel != Channel::CallButton.as_str()) {
        return Err(StartRefusal::Unheard { what: format!("the channel {channel:?}") });
    }
    if template.is_some() {
        let what = "a template, of which this channel has none,".to_owned();
        return Err(StartRefusal::Unheard { what });
    }
    let read = |what: &str, text: Option<String>| {
        let read = text.map(|text| {
            let wrong = |_| StartRefusal::Unheard { what: format!("the {what} {text:?}") };
            Name::parse(&text).map_err(wrong)
        });
        read.transpose()
    };
    let (prompt, language) = (read("prompt", prompt)?, read("language", language)?);
    if prompt.is_some() || language.is_some() {
        let (known_prompt, known_language) = match request.sounds {
            WantedSounds::Prompt { name, language } => (name, language),
            WantedSounds::Given { .. } => (None, None),
        };
        let (name, language) = (prompt.or(known_prompt), language.or(known_language));
        request.sounds = WantedSounds::Prompt { name, language };
    }
    Ok(request)
}

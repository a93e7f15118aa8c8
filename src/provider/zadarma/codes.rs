//! Codes by call, SMS and e-mail: what is asked of the provider, and what its
//! check says.

use super::super::queue::{Slot, TooLate};
use super::sms::plain;
use super::{CHECK, VERIFY, Zadarma, not_accepted};
use crate::domain::{CodeBy, Secret};
use crate::provider::{CodeCheck, CodeMessage, Dispatched, ProviderError};
use crate::zadarma::form::Params;
use crate::zadarma::wire::{Accepted, VerifyAnswer};

/// The languages of the provider's texts. Ukrainian is `ua` on the wire.
pub(in crate::provider) const CODE_LANGUAGES: &[&str] = &["en", "es", "de", "pl", "ru", "uk", "fr"];

/// What the code replaces in an e-mail's text.
pub(in crate::provider) const CODE_MARKER: &str = crate::domain::MARKER;

/// What stands for a code in a text.
const HIDDEN: &str = "•••";

/// The provider has no codes of errors: only these texts tell a wrong code from
/// one that it knows no more. Any other text is an error and decides nothing.
const WRONG: &str = "Invalid verification code";
const GONE: &str = "No such request id";

impl Zadarma {
    pub(in crate::provider) async fn send_code(
        &self,
        mut slot: Slot,
        message: &CodeMessage,
    ) -> Dispatched {
        if let Some(params) = plain(message) {
            return without_secrets(self.send_sms(slot, params).await, message);
        }
        let params = params(message);
        let result = match slot.turn().await {
            Ok(()) => self.send::<VerifyAnswer>(&self.queue, VERIFY, params).await,
            Err(TooLate) => Err(ProviderError::RateLimited),
        };
        match result {
            Ok(VerifyAnswer { request_id: Some(request) }) => {
                Dispatched::AcceptedAs(request.into_boxed_str())
            }
            Ok(VerifyAnswer { request_id: None }) => Dispatched::Accepted,
            Err(error) => without_secrets(not_accepted(error), message),
        }
    }

    pub(in crate::provider) async fn check_code(
        &self,
        mut slot: Slot,
        request: &str,
        code: &Secret,
    ) -> Result<CodeCheck, ProviderError> {
        let params = Params::new().text("code", code.expose()).text("request_id", request);
        slot.turn().await.map_err(|TooLate| ProviderError::RateLimited)?;
        match self.send::<Accepted>(&self.queue, CHECK, params).await {
            Ok(Accepted {}) => Ok(CodeCheck::Right),
            Err(ProviderError::Refused { message }) if message == WRONG => Ok(CodeCheck::Wrong),
            Err(ProviderError::Refused { message }) if message == GONE => Ok(CodeCheck::Gone),
            Err(ProviderError::Refused { message }) => {
                Err(ProviderError::Refused { message: message.replace(code.expose(), HIDDEN) })
            }
            Err(error) => Err(error),
        }
    }
}

/// The provider may repeat what it was sent, and its text goes to the log.
fn without_secrets(dispatched: Dispatched, sent: &CodeMessage) -> Dispatched {
    let clean = |text: String| {
        let text = text.replace(&sent.to.to_string(), &format!("{:?}", sent.to));
        match &sent.code {
            Some(code) => text.replace(code.expose(), HIDDEN),
            None => text,
        }
    };
    match dispatched {
        Dispatched::Refused { reason, message } => {
            Dispatched::Refused { reason, message: message.map(clean) }
        }
        Dispatched::Unknown { message } => Dispatched::Unknown { message: clean(message) },
        accepted @ (Dispatched::Accepted | Dispatched::AcceptedAs(_)) => accepted,
    }
}

fn params(message: &CodeMessage) -> Params {
    let optional = |params: Params, name, text: Option<String>| match text {
        Some(text) => params.text(name, text),
        None => params,
    };
    let boxed = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    let channel = match message.by {
        CodeBy::Call { .. } => "call_code",
        CodeBy::Sms { .. } | CodeBy::PlainSms { .. } => "sms",
        CodeBy::Email { .. } => "email",
    };
    let params = Params::new().text("channel", channel).text("to", message.to.to_string());
    let code = message.code.as_ref().map(|code| code.expose().to_owned());
    let params = optional(params, "code", code);
    let language = message.language.as_ref().map(|language| match language.as_str() {
        "uk" => "ua".to_owned(),
        other => other.to_owned(),
    });
    let params = optional(params, "language", language);
    match &message.by {
        CodeBy::Call { from } => optional(params, "from", from.map(|from| from.to_string())),
        CodeBy::Sms { template, sender } => {
            let params = optional(params, "template_id", boxed(template));
            optional(params, "caller_id", boxed(sender))
        }
        CodeBy::PlainSms { sender, .. } => optional(params, "caller_id", boxed(sender)),
        CodeBy::Email { from, subject, body } => {
            let params = optional(params, "from", boxed(from));
            let params = optional(params, "email_subject", boxed(subject));
            optional(params, "email_body", boxed(body))
        }
    }
}

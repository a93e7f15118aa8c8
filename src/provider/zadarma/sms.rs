//! Plain SMS, at the price of one: the text is ours, and so is the code in it.

use super::super::queue::Slot;
use super::{SMS, Zadarma, not_accepted};
use crate::domain::{CodeBy, MARKER, RefusalReason};
use crate::provider::{CodeMessage, Dispatched, ProviderError};
use crate::zadarma::form::Params;
use crate::zadarma::wire::SmsAnswer;

impl Zadarma {
    pub(super) async fn send_sms(&self, mut slot: Slot, params: Params) -> Dispatched {
        let result = match slot.turn().await {
            Ok(()) => self.send::<SmsAnswer>(&self.queue, SMS, params).await,
            Err(_too_late) => Err(ProviderError::RateLimited),
        };
        match result {
            // There is one number, so that one denied is nobody reached.
            Ok(SmsAnswer { denied_numbers }) => match denied_numbers.into_iter().next() {
                None => Dispatched::Accepted,
                Some(denied) => Dispatched::Refused {
                    reason: RefusalReason::Refused,
                    message: Some(denied.message),
                },
            },
            Err(error) => not_accepted(error),
        }
    }
}

/// What is sent, if the message is a plain SMS.
pub(super) fn plain(message: &CodeMessage) -> Option<Params> {
    let CodeBy::PlainSms { sender, text } = &message.by else { return None };
    let code = message.code.as_ref()?;
    let number = message.to.phone()?;
    let params = Params::new()
        .text("number", number.digits())
        .text("message", text.replace(MARKER, code.expose()));
    Some(match sender {
        Some(sender) => params.text("sender", &**sender),
        None => params,
    })
}

//! Dispatch: one call or message, asked for once, and what the provider answered.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{Dispatch, Event, RefusalReason, Status, Step, Verification, VerificationId};
use crate::provider::{CodeMessage, Dispatched, Slot};

use super::sending::Sending;
use super::{AccountIndex, Judgement, Service};

/// How often, and how long after each other, the store is asked before dialling.
const TRIES: u8 = 10;
const TRY_EVERY: Duration = Duration::from_millis(200);

impl Service {
    /// Asks the provider to call or send and records its answer. The intent is stored;
    /// whatever happens from here on, it is never asked for again.
    pub(super) async fn dispatch(
        self: Arc<Self>,
        account: AccountIndex,
        id: VerificationId,
        attempt: u8,
        slot: Slot,
        sending: Sending,
    ) {
        let account = &self.accounts[usize::from(account.0)];
        // Without a wait, the transaction that stored the intent has just looked.
        let waited = slot.at() > self.clock.now();
        let closing = tokio::select! {
            () = self.clock.sleep_until(slot.at()) => false,
            () = self.closing.cancelled() => true,
        };
        if closing || self.is_withdrawn(id, attempt, waited).await {
            return self
                .record(id, Event::Refused { attempt, reason: RefusalReason::Withdrawn })
                .await;
        }
        let dispatched = match &sending {
            Sending::Button(call) => account.provider.call_button(slot, call).await,
            Sending::Code(message) => account.provider.send_code(slot, message).await,
        };
        let event = match dispatched {
            Dispatched::Accepted => Event::Accepted { attempt },
            Dispatched::AcceptedAs(request) => match &sending {
                // What we made we check ourselves.
                Sending::Code(CodeMessage { code: None, .. }) => {
                    Event::AcceptedAs { attempt, request }
                }
                Sending::Code(_) | Sending::Button(_) => Event::Accepted { attempt },
            },
            Dispatched::Refused { reason, message } => {
                tracing::warn!(
                    verification.id = %id, account.name = %account.name, reason = reason.as_str(),
                    message = message.as_deref().unwrap_or_default(),
                    "the provider refused: {}", reason.as_str(),
                );
                Event::Refused { attempt, reason }
            }
            Dispatched::Unknown { message } => {
                tracing::warn!(
                    verification.id = %id, account.name = %account.name, message,
                    "it is not known whether the provider took it; it is not asked again",
                );
                Event::Unknown { attempt }
            }
        };
        self.record(id, event).await;
    }

    /// Whether nobody is to be called any more: it ended, or an operator stopped it, while it
    /// waited for its turn; or this replica took so long that others took it for gone.
    async fn is_withdrawn(&self, id: VerificationId, index: u8, waited: bool) -> bool {
        let Some(verification) = self.newest_before_dialling(id).await else {
            // Where others may have ended it, nobody is called on a guess.
            return self.store.is_shared();
        };
        let Some(attempt) = verification.attempts.get(usize::from(index)) else { return false };
        let lease = self.timing().dispatch_lease;
        let until = attempt.intent_at.checked_add(lease).unwrap_or(Timestamp::MAX);
        if attempt.dispatch != Dispatch::Intended || until <= self.clock.now() {
            return true;
        }
        let Some(channel) = verification.step_of(attempt).map(Step::channel) else { return false };
        verification.status() != Status::Pending
            || waited && self.is_switched_off(&verification.app, channel).await.unwrap_or(true)
    }

    /// The newest version. Where the store alone has it, it is asked again while it does not
    /// answer: a call that was acknowledged is worth a moment.
    async fn newest_before_dialling(&self, id: VerificationId) -> Option<Verification> {
        for _ in 0..TRIES {
            match self.newest(id).await {
                Ok(newest) => return newest,
                Err(_) if self.store.is_shared() => tokio::time::sleep(TRY_EVERY).await,
                Err(_) => return None,
            }
        }
        None
    }

    pub(super) async fn record(&self, id: VerificationId, event: Event) {
        let at = self.clock.now();
        let judge = move |_: &_| Judgement { event: Some(event.clone()), at, row: None };
        if let Err(error) = self.resolve(id, judge).await {
            // The attempt stays as intended; after a restart it counts as unknown.
            tracing::error!(verification.id = %id, error = %error, "the provider's answer could not be stored");
        }
    }
}

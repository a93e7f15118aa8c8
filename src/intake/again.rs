//! Judging a notification once more, when what we know of the provider may be
//! out of date: its clock's zone may have changed, or its extensions.
//!
//! The 200 is on its way by then. It is judged by when it was received. Until then it
//! is kept on disk beside the journal, for the case that the process ends meanwhile.

use std::sync::Arc;

use crate::provider::ProviderError;
use crate::service::{Account, Facts};

use super::policy::Asking;
use super::spill::Purpose;
use super::{Context, Intake, Policy, Received, Verdict, body};

/// What may be out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The provider's clock: a result missed the window.
    Clock,
    /// The PBX's extensions: a signed one is not among them.
    Extensions,
}

impl Doubt {
    /// The doubt that a verdict leaves, if any.
    pub(super) const fn of(verdict: Verdict) -> Option<Self> {
        match verdict {
            Verdict::OutsideWindow => Some(Self::Clock),
            Verdict::Ambiguous => Some(Self::Extensions),
            Verdict::Accepted
            | Verdict::Progress
            | Verdict::Hint
            | Verdict::NotAResult
            | Verdict::NotOutgoing
            | Verdict::ForeignDid
            | Verdict::NoNumber
            | Verdict::NoMatch
            | Verdict::NearMiss
            | Verdict::StaleCallStart
            | Verdict::WeakEvidence
            | Verdict::UnknownEvent
            | Verdict::Malformed
            | Verdict::BadSignature
            | Verdict::BadSource
            | Verdict::UnknownToken
            | Verdict::TooLarge
            | Verdict::TooManyRefused => None,
        }
    }

    fn is_settled(self, judged_with: &Facts, now_known: &Facts) -> bool {
        match self {
            Self::Clock => judged_with.offsets != now_known.offsets,
            Self::Extensions => judged_with.extensions != now_known.extensions,
        }
    }

    const fn asking(self, policy: &Policy) -> &Asking {
        match self {
            Self::Clock => &policy.clock,
            Self::Extensions => &policy.extensions,
        }
    }
}

impl Intake {
    /// Asks the provider, at most once a minute for all notifications together,
    /// and judges once more if what it tells is new.
    pub(super) async fn judge_again_later(
        self: &Arc<Self>,
        received: Arc<Received>,
        doubt: Doubt,
        judged_with: Arc<Facts>,
    ) {
        let account = &self.policies[usize::from(received.account.0)].account;
        let kept = self.spill.keep(&received, account.as_str(), Purpose::JudgeAgain).await;
        if let Err(error) = &kept {
            tracing::warn!(
                account.name = %account, error = %error,
                "a result that is judged again would not outlive a stop of the process",
            );
        }
        let intake = Arc::clone(self);
        let closing = self.service.closing();
        self.service.spawn(async move {
            tokio::select! {
                () = intake.judge_again(&received, doubt, &judged_with) => {
                    if let Ok(kept) = kept {
                        kept.done();
                    }
                }
                // What is kept stays for the next start.
                () = closing.cancelled() => {}
            }
        });
    }

    async fn judge_again(&self, received: &Received, doubt: Doubt, judged_with: &Facts) {
        let index = usize::from(received.account.0);
        let policy = &self.policies[index];
        let Some(facts) = self.settle(doubt, received, judged_with).await else { return };
        let Ok(decoded) = body::decode(received).await else { return };
        let signature = received.signature.as_deref();
        let Ok(authentic) = decoded.authenticate(signature, &policy.secrets) else { return };
        let evidence = policy.evidence(authentic.secret_index());
        let context = Context { policy, facts: &facts, evidence, received };
        match self.judge(&authentic, &context).await {
            Ok(verdict) => self.count(verdict),
            Err(_) => {
                let account = policy.account.as_str();
                // A refusal has raised its alarm.
                let _ = self.spill.keep(received, account, Purpose::Apply).await;
            }
        }
    }

    /// What is known once it differs from what was judged with; `None` if the
    /// provider confirms that it does not, or nothing comes in time.
    async fn settle(
        &self,
        doubt: Doubt,
        received: &Received,
        judged_with: &Facts,
    ) -> Option<Arc<Facts>> {
        let index = usize::from(received.account.0);
        let (policy, account) = (&self.policies[index], &self.service.accounts()[index]);
        let (asking, clock) = (doubt.asking(policy), self.service.clock());
        let _waiting = asking.wait()?;
        let deadline = clock.now().checked_add(self.service.timing().result_window).ok()?;
        let mut answers = account.answers();
        loop {
            answers.mark_unchanged();
            let facts = account.facts();
            if doubt.is_settled(judged_with, &facts) {
                return Some(facts);
            }
            let now = clock.now();
            if now >= deadline || asking.has_answered_since(received.at) {
                return None;
            }
            let next = match asking.take_turn(now) {
                Err(until) => until,
                Ok(()) => match self.ask(doubt, account).await {
                    Ok(()) => {
                        asking.answered(now);
                        continue;
                    }
                    Err(error) => {
                        tracing::warn!(
                            account.name = %policy.account, error = %error,
                            "the provider did not tell what a notification must be judged by",
                        );
                        asking.failed(clock.now());
                        continue;
                    }
                },
            };
            tokio::select! {
                () = clock.sleep_until(next.min(deadline)) => {}
                _ = answers.changed() => {}
            }
        }
    }

    async fn ask(&self, doubt: Doubt, account: &Account) -> Result<(), ProviderError> {
        match doubt {
            Doubt::Clock => account.measure(|| self.service.clock().now()).await,
            Doubt::Extensions => account.refresh_extensions().await,
        }
    }
}

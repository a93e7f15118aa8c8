//! The door of the pipeline: who may come in, and where what came in is kept.
//!
//! What authenticates is judged and stored, or, if the store does not take it in
//! time, kept in the spill; only then is it acknowledged.

use std::sync::Arc;

use crate::domain::Evidence;
use crate::service::{Facts, Forwarded, STORE_ANSWERS_WITHIN, to_the_end};
use crate::store::StoreError;
use crate::telemetry;
use crate::zadarma::notification::Authentic;

use super::again::Doubt;
use super::spill::Purpose;
use super::{Answer, Context, Intake, NotTaken, Policy, Received, Verdict, body};

/// Why a notification did not get in.
enum Outside {
    Refused(Answer),
    /// It cannot be read in one way, and is journaled as such.
    Malformed(body::Malformed),
}

impl Intake {
    /// The pipeline. Once it returns `Acknowledged`, the notification is durable.
    ///
    /// A judgement that takes longer than a notification may wait goes on, and ends
    /// as it ends: what is applied from the spill later is then a repeat.
    pub async fn receive(self: Arc<Self>, received: Received) -> Answer {
        let received = Arc::new(received);
        if self.service.is_store_away() {
            return self.spill(&received).await;
        }
        let judging = Arc::clone(&self).judge_now(Arc::clone(&received));
        let mut judging = to_the_end(self.service.background(), judging);
        let judged = tokio::select! {
            biased;
            judged = &mut judging => judged,
            () = tokio::time::sleep(STORE_ANSWERS_WITHIN) => {
                self.service.store_lost();
                return self.spill(&received).await;
            }
        };
        match judged {
            Ok(answer) => answer,
            Err(NotTaken::Resting) => self.spill(&received).await,
            Err(NotTaken::Store(error)) => {
                tracing::error!(error = %error, "a notification could not be stored");
                if let StoreError::Unavailable { .. } = error {
                    self.service.store_lost();
                }
                self.spill(&received).await
            }
        }
    }

    /// Judges a notification, stores what comes of it, and has it judged once more
    /// if that may change something.
    pub(super) async fn judge_now(
        self: Arc<Self>,
        received: Arc<Received>,
    ) -> Result<Answer, NotTaken> {
        let index = usize::from(received.account.0);
        let (Some(policy), Some(account)) =
            (self.policies.get(index), self.service.accounts().get(index))
        else {
            return Ok(Answer::ForbiddenSource);
        };
        let authentic = match self.let_in(&received, policy).await {
            Ok(authentic) => authentic,
            Err(Outside::Refused(answer)) => return Ok(answer),
            Err(Outside::Malformed(why)) => return self.malformed(&received, policy, &why).await,
        };
        let facts = account.facts();
        let evidence = policy.evidence(authentic.secret_index());
        let context = Context { policy, facts: &facts, evidence, received: &received };
        let verdict = self.judge(&authentic, &context).await?;
        self.count(verdict);
        self.forward(&received);
        let doubt = match Doubt::of(verdict) {
            Some(doubt) if self.is_worth_asking(doubt, &authentic, &context).await => Some(doubt),
            Some(_) | None => None,
        };
        drop(authentic);
        if let Some(doubt) = doubt {
            self.judge_again_later(received, doubt, facts).await;
        }
        Ok(Answer::Acknowledged)
    }

    /// Passes on what was stored, whatever it says, to whom the configuration names.
    fn forward(&self, received: &Received) {
        let Some(account) = self.service.accounts().get(usize::from(received.account.0)) else {
            return;
        };
        if self.service.forwards(&account.name) {
            let forwarded = Forwarded {
                content_type: received.content_type.clone(),
                signature: received.signature.clone(),
                body: received.body.clone(),
            };
            self.service.forward(account.name.clone(), forwarded);
        }
    }

    /// Keeps a notification that authenticates until the store takes it.
    async fn spill(&self, received: &Received) -> Answer {
        let Some(policy) = self.policies.get(usize::from(received.account.0)) else {
            return Answer::ForbiddenSource;
        };
        match self.let_in(received, policy).await {
            Ok(_) => {}
            Err(Outside::Refused(answer)) => return answer,
            Err(Outside::Malformed(_)) => return Answer::StoreUnavailable,
        }
        // What is kept is applied from its file: the handle is not needed.
        match self.spill.keep(received, policy.account.as_str(), Purpose::Apply).await {
            Ok(_) => Answer::Acknowledged,
            Err(_) => Answer::StoreUnavailable,
        }
    }

    /// Source, decode, authenticate.
    async fn let_in<'a>(
        &self,
        received: &'a Received,
        policy: &Policy,
    ) -> Result<Authentic<'a>, Outside> {
        let is_listed = policy.takes_source(received.source);
        let refuse = |authentic| Outside::Refused(self.refuse_source(received, policy, authentic));
        let decoded = match body::decode(received).await {
            Ok(decoded) => decoded,
            Err(_) if !self.may_refuse(received.source, received.at) => {
                return Err(Outside::Refused(Answer::TooManyRefused));
            }
            Err(_) if !is_listed => return Err(refuse(false)),
            Err(malformed) => return Err(Outside::Malformed(malformed)),
        };
        let authentic = match decoded.authenticate(received.signature.as_deref(), &policy.secrets) {
            Ok(authentic) if is_listed => authentic,
            Ok(_) => return Err(refuse(true)),
            Err(_) if !self.may_refuse(received.source, received.at) => {
                return Err(Outside::Refused(Answer::TooManyRefused));
            }
            Err(_) if !is_listed => return Err(refuse(false)),
            Err(error) => {
                self.count(Verdict::BadSignature);
                self.alarm_of_forged(received, policy);
                tracing::warn!(
                    account.name = %policy.account, signature.length = error.header_length(),
                    "refused a notification: {error}",
                );
                return Err(Outside::Refused(Answer::Unauthentic));
            }
        };
        if authentic.secret_index() > 0 {
            tracing::info!(
                account.name = %policy.account, signature.secret = "previous",
                "a notification is signed with a previous secret; the rotation is not finished at the provider",
            );
        }
        Ok(authentic)
    }

    fn refuse_source(&self, received: &Received, policy: &Policy, authentic: bool) -> Answer {
        self.count(Verdict::BadSource);
        if authentic {
            telemetry::alarm(
                "unlisted_source",
                format!(
                    "refused an authentic notification from {}: if the provider has moved, add the address to accounts.{}.source_addresses; behind a proxy, set server.trusted_proxies",
                    received.source, policy.account,
                ),
            );
        }
        Answer::ForbiddenSource
    }

    fn alarm_of_forged(&self, received: &Received, policy: &Policy) {
        if self.forged.take(received.account, received.at).is_ok() {
            telemetry::alarm(
                "forged_notification",
                format!(
                    "refused a notification from {} with the token of accounts.{} and a wrong signature: the token is known to somebody else, or the secret was changed at the provider; rotate notification_token, or check secret",
                    received.source, policy.account,
                ),
            );
        }
    }

    async fn malformed(
        &self,
        received: &Received,
        policy: &Policy,
        why: &body::Malformed,
    ) -> Result<Answer, NotTaken> {
        self.count(Verdict::Malformed);
        tracing::warn!(account.name = %policy.account, "a notification is malformed: {why}");
        let facts = Facts::default();
        let context = Context { policy, facts: &facts, evidence: Evidence::default(), received };
        self.service.journal(context.row("", Verdict::Malformed)).await?;
        Ok(Answer::Acknowledged)
    }
}

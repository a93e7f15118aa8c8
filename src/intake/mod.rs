//! The notification pipeline: from raw bytes to one decision and one answer.
//!
//! One function, one order: path token, source address, decode, authenticate,
//! interpret, journal, correlate, resolve, acknowledge. Journal entry and new
//! version go into one transaction; the acknowledgement and the wake-up follow
//! the commit. The rules that protect a result are pure functions in `rules`.

mod again;
mod body;
mod door;
mod policy;
mod replay;
mod result;
mod rules;
mod spill;
mod verdict;
mod watch;

use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Check, Event, Evidence, Verification, VerificationId, WrittenForm};
use crate::service::{
    AccountIndex, Buckets, Facts, Found, Judgement, Rate, ResolveError, Service, site,
};
use crate::store::{NotificationRow, StoreError};
use crate::telemetry;
use crate::telemetry::metrics::{Counters, NOTIFICATIONS_TOTAL};
use crate::zadarma::notification::{Authentic, CallNotification, Notification};

pub use policy::{Asking, Policy, is_echo};
pub use replay::ReplayRefusal;
pub use spill::{OpenError as SpillError, Spill};
pub use verdict::Verdict;

use again::Doubt;
use rules::Case;

#[cfg(test)]
mod tests;

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// A notification as it arrived, once its URL's token has selected the account.
pub struct Received {
    /// The account of the token.
    pub account: AccountIndex,
    /// The sender's address, behind trusted proxies.
    pub source: IpAddr,
    /// The `Content-Type` header.
    pub content_type: Option<Box<str>>,
    /// The `Signature` header.
    pub signature: Option<Box<[u8]>>,
    /// The body, at most [`MAX_BODY`] bytes.
    pub body: Box<[u8]>,
    /// When it arrived; it is judged by this instant.
    pub at: Timestamp,
}

/// How a notification is answered. The body is empty in every case, so that it
/// can never steer a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200: it is in the journal, whatever its verdict, or in the spill.
    Acknowledged,
    /// 403: not from a listed address.
    ForbiddenSource,
    /// 401: not signed by the provider.
    Unauthentic,
    /// 429: refused, as too many from this address were before.
    TooManyRefused,
    /// 503: neither the store nor the spill takes it.
    StoreUnavailable,
}

/// The pipeline of one process.
pub struct Intake {
    service: Arc<Service>,
    policies: Vec<Policy>,
    spill: Spill,
    verdicts: Counters,
    /// Refusals by address. Only what was refused is counted, so that an authentic
    /// notification is never limited, whoever else comes from its address.
    refusals: Buckets<IpAddr>,
    /// Alarms for forged notifications, by account.
    forged: Buckets<AccountIndex>,
}

/// Why a notification is not in the store.
enum NotTaken {
    /// The store did not take it.
    Store(StoreError),
    /// It would let time pass for an overdue verification while expiry rests.
    Resting,
}

impl From<StoreError> for NotTaken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// At most one alarm for forged notifications in a minute, so that whoever forges them
/// does not fill the log.
const FORGED_ALARMS: Rate = Rate { every: SignedDuration::from_mins(1), burst: 1 };

/// What the rules need beside the notification itself, fixed for one judgement.
struct Context<'a> {
    policy: &'a Policy,
    facts: &'a Facts,
    evidence: Evidence,
    received: &'a Received,
}

impl Intake {
    /// A pipeline with one policy per account, in the order of their index.
    #[must_use]
    pub fn new(
        service: Arc<Service>,
        policies: Vec<Policy>,
        spill: Spill,
        refusals: Rate,
    ) -> Arc<Self> {
        if spill.has_left_over() {
            service.begin_unsettled();
        }
        let verdicts =
            Counters::new(NOTIFICATIONS_TOTAL, "verdict", Verdict::ALL.map(Verdict::as_str));
        let (refusals, forged) = (Buckets::new(refusals), Buckets::new(FORGED_ALARMS));
        Arc::new(Self { service, policies, spill, verdicts, refusals, forged })
    }

    /// Counts a refusal of something from `source`; whether it is to be told and noted as
    /// usual. If not, too many were refused before, and it costs no more than its answer.
    #[must_use]
    pub fn may_refuse(&self, source: IpAddr, now: Timestamp) -> bool {
        let may = self.refusals.take(site(source), now).is_ok();
        if !may {
            self.count(Verdict::TooManyRefused);
        }
        may
    }

    /// The account whose notification URL ends in `token`.
    #[must_use]
    pub fn account_of(&self, token: &str) -> Option<AccountIndex> {
        let found = self.policies.iter().position(|policy| policy.takes_token(token));
        if found.is_none() {
            self.count(Verdict::UnknownToken);
        }
        u16::try_from(found?).ok().map(AccountIndex)
    }

    /// Takes nothing more into the spill, whose folder another process may have then.
    pub async fn close(&self) {
        self.spill.close().await;
    }

    /// Counts a notification whose body was too large to be read.
    pub fn count_too_large(&self) {
        self.count(Verdict::TooLarge);
    }

    /// Interpret, correlate, resolve and journal.
    async fn judge(
        &self,
        authentic: &Authentic<'_>,
        context: &Context<'_>,
    ) -> Result<Verdict, NotTaken> {
        let call = match authentic.interpret() {
            Notification::Call(call) => call,
            Notification::Other { event } => {
                self.service.journal(context.row(event, Verdict::UnknownEvent)).await?;
                return Ok(Verdict::UnknownEvent);
            }
        };
        let case = self.case(&call, context).await?;
        match (rules::judge_form(&case), case.found.exact()) {
            (None, Some(id)) => self.resolve(id, &case, context).await,
            (verdict, _) => {
                let verdict = verdict.unwrap_or(Verdict::NoMatch);
                Ok(self.journal_unmatched(&call, context, verdict).await?)
            }
        }
    }

    /// Correlates: what claims the call's number.
    async fn case<'a>(
        &'a self,
        call: &'a CallNotification<'a>,
        context: &Context<'a>,
    ) -> Result<Case<'a>, StoreError> {
        let form = WrittenForm::read(call.number);
        let found = match form {
            Some(form) => self.service.find_claim(context.received.account, form).await?,
            None => Found::Nothing,
        };
        Ok(Case {
            call,
            has_number: form.is_some(),
            found,
            policy: context.policy,
            facts: context.facts,
            received_at: context.received.at,
            timing: self.service.timing(),
        })
    }

    async fn resolve(
        &self,
        id: VerificationId,
        case: &Case<'_>,
        context: &Context<'_>,
    ) -> Result<Verdict, NotTaken> {
        let mut verdict = Verdict::NoMatch;
        let resolved = self
            .service
            .resolve_found(id, |verification| {
                let (judged, event) = decide(verification, case, context);
                verdict = judged;
                let mut row = context.row(case.call.event.as_str(), judged);
                row.verification = Some(id);
                if event.is_some()
                    || matches!(judged, Verdict::OutsideWindow | Verdict::WeakEvidence)
                {
                    row.body = Some(context.received.body.clone());
                    row.signature.clone_from(&context.received.signature);
                }
                Judgement { event, at: context.received.at, row: Some(row) }
            })
            .await;
        match resolved {
            Ok(_) => {}
            Err(ResolveError::Store(error)) => return Err(NotTaken::Store(error)),
            Err(ResolveError::Resting) => return Err(NotTaken::Resting),
            Err(error @ (ResolveError::NotFound | ResolveError::Contended)) => {
                tracing::error!(verification.id = %id, error = %error, "a notification could not be resolved");
                return Ok(self.journal_unmatched(case.call, context, Verdict::NoMatch).await?);
            }
        }
        if verdict == Verdict::Accepted {
            let took = self.service.clock().now().duration_since(context.received.at);
            telemetry::metrics::meters().notification_to_wake.record(took.as_secs_f64());
        }
        tracing::debug!(
            verification.id = %id, verdict = verdict.as_str(), signature.secret = context.secret(),
            evidence.level = context.evidence.level().as_str(),
            "notification: {}", verdict.as_str(),
        );
        Ok(verdict)
    }

    async fn journal_unmatched(
        &self,
        call: &CallNotification<'_>,
        context: &Context<'_>,
        verdict: Verdict,
    ) -> Result<Verdict, StoreError> {
        let mut row = context.row(call.event.as_str(), verdict);
        let digits: String = call.number.chars().filter(char::is_ascii_digit).collect();
        if !digits.is_empty() {
            row.number_hash = Some(self.service.store_key().number_hash(&digits));
            row.masked = Some(telemetry::mask_number(&digits).into());
        }
        if verdict == Verdict::NearMiss {
            let masked = row.masked.as_deref().unwrap_or_default();
            telemetry::alarm(
                "near_miss",
                format!(
                    "a notification for {masked} shares only its ending with a number that is being called; it confirms nothing"
                ),
            );
        }
        self.service.journal(row).await?;
        Ok(verdict)
    }

    /// The clock always: the number is an attempt's. Extensions only if they are the
    /// provider's to tell and the number is one that is being called.
    async fn is_worth_asking(
        &self,
        doubt: Doubt,
        authentic: &Authentic<'_>,
        context: &Context<'_>,
    ) -> bool {
        match (doubt, authentic.interpret()) {
            (Doubt::Clock, _) => true,
            (Doubt::Extensions, Notification::Call(call)) if context.policy.asks_extensions => {
                self.claimant(context.received.account, call.number).await.is_some()
            }
            (Doubt::Extensions, Notification::Call(_) | Notification::Other { .. }) => false,
        }
    }

    /// The verification that claims a number as it is written, if the store says so.
    async fn claimant(&self, account: AccountIndex, number: &str) -> Option<VerificationId> {
        let form = WrittenForm::read(number)?;
        self.service.find_claim(account, form).await.ok()?.exact()
    }

    fn count(&self, verdict: Verdict) {
        self.verdicts.increment(verdict.as_str());
    }
}

/// What an authentic notification with this verification's number means for it:
/// for the latest call that it can be of.
fn decide(
    verification: &Verification,
    case: &Case<'_>,
    context: &Context<'_>,
) -> (Verdict, Option<Event>) {
    let mut refusal = None;
    for attempt in verification.attempts.iter().rev() {
        let Some(step) = verification.step_of(attempt) else { continue };
        if !result::may_be_of(case, verification, step) {
            continue;
        }
        match (rules::judge_attempt(case, attempt), step.button()) {
            (None, Some(button)) => {
                let evidence = result::evidence(context.evidence, button.random_key);
                // The account may require less than when the start was admitted.
                if verification.demanded.is_some_and(|demanded| evidence.level() < demanded) {
                    return (Verdict::WeakEvidence, None);
                }
                return result::event(case, attempt, evidence);
            }
            (None, None) => return result::spoken(case, attempt),
            (Some(Verdict::NotAResult), _) => return result::progress(case, attempt),
            (Some(verdict), _) => refusal = refusal.or(Some(verdict)),
        }
    }
    (refusal.unwrap_or(Verdict::NoMatch), None)
}

impl Context<'_> {
    /// Which of the account's secrets the signature fits.
    const fn secret(&self) -> &'static str {
        if self.evidence.has(Check::PreviousSecret) { "previous" } else { "current" }
    }

    fn row(&self, event: &str, verdict: Verdict) -> NotificationRow {
        NotificationRow {
            received_at: self.received.at,
            account: self.policy.account.clone(),
            event: event.chars().take(64).collect::<String>().into(),
            verdict: verdict.as_str(),
            verification: None,
            number_hash: None,
            masked: None,
            body: None,
            signature: None,
        }
    }
}

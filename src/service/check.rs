//! Check: a person's code against the one that counts. Each check is counted
//! before its answer is known, over all sends, replicas and tasks.

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    Asks, CodeSource, Dispatch, Event, Name, Outcome, ProviderCheck, Secret, State, Status,
    Verification, VerificationId,
};
use crate::provider::{CodeCheck, Provider, ProviderError};
use crate::store::StoreKey;

use super::{Judgement, ResolveError, Resolved, Service, ShowRefusal};

/// How often it is looked at again what is to be asked.
const LOOKS: usize = 4;

/// What a check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckResult {
    /// It is the code: the verification is verified by this very check.
    Correct,
    /// It is another code. The check is used up.
    Incorrect,
    /// No check was left; nothing was compared.
    Exhausted,
    /// The verification's time, or that of the code at the provider, is over.
    Expired,
    /// It was verified before.
    AlreadyVerified,
}

impl CheckResult {
    /// Every result.
    pub const ALL: [Self; 5] =
        [Self::Correct, Self::Incorrect, Self::Exhausted, Self::Expired, Self::AlreadyVerified];

    /// The word used in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Correct => "correct",
            Self::Incorrect => "incorrect",
            Self::Exhausted => "exhausted",
            Self::Expired => "expired",
            Self::AlreadyVerified => "already_verified",
        }
    }
}

/// Why nothing was checked or counted.
#[derive(Debug, thiserror::Error)]
pub enum CheckRefusal {
    /// There is none with this id, or it is another app's; or the store does not answer.
    #[error(transparent)]
    Show(#[from] ShowRefusal),
    /// It has ended, and not by a code.
    #[error("the verification has already ended: {}", .0.as_str())]
    AlreadyEnded(Status),
    /// No code has been sent that could be checked.
    #[error("no code has been sent that could be checked")]
    NoCode,
    /// The provider's limit leaves no room for asking it.
    #[error("the provider's limit of requests leaves no room now")]
    NoRoom {
        /// When to ask again.
        until: Timestamp,
    },
    /// The provider, which made the code, did not answer.
    #[error("the provider, which made the code, did not answer")]
    Provider(ProviderError),
    /// Others changed it at every try.
    #[error(transparent)]
    Resolve(ResolveError),
}

/// How the newest version answers a typed code.
enum Found {
    Answer(CheckResult),
    Ended(Status),
    NoCode,
    /// It is, or is not, the code that is known here.
    Compared(bool),
    /// Only the provider can tell.
    AskProvider(Box<str>),
}

impl Service {
    /// Checks what a person typed. Of any number of equal right codes one is
    /// `Correct`, the others `AlreadyVerified`.
    ///
    /// # Errors
    /// See [`CheckRefusal`].
    pub async fn check(
        &self,
        app: &Name,
        id: VerificationId,
        typed: &Secret,
    ) -> Result<(CheckResult, Verification), CheckRefusal> {
        self.require_store().map_err(ShowRefusal::Store)?;
        let mut verification = self.show(app, id).await?;
        // What is sent meanwhile may make another one the one to ask; sends are few.
        for _ in 0..LOOKS {
            let result = match self.look_at(&verification, typed, self.clock.now()) {
                Found::AskProvider(_) => self.check_at_provider(&verification, typed).await?,
                Found::Answer(_) | Found::Ended(_) | Found::NoCode | Found::Compared(_) => {
                    self.check_here(id, typed).await?
                }
            };
            verification = self.show(app, id).await?;
            if let Some(result) = result {
                return Ok((result, verification));
            }
        }
        Err(CheckRefusal::Resolve(ResolveError::Contended))
    }

    /// Compares, counts and decides in one change; `None` if only the provider can tell.
    async fn check_here(
        &self,
        id: VerificationId,
        typed: &Secret,
    ) -> Result<Option<CheckResult>, CheckRefusal> {
        let at = self.clock.now();
        let mut found = Found::NoCode;
        let resolved = self.resolve(id, |newest| {
            found = self.look_at(newest, typed, at);
            let event = match found {
                Found::Compared(correct) => {
                    let typed = self.sealed_typed(newest, typed);
                    Some(Event::CodeChecked { correct, typed })
                }
                Found::AskProvider(_) | Found::Answer(_) | Found::Ended(_) | Found::NoCode => None,
            };
            Judgement { event, at, row: None }
        });
        match (resolved.await.map_err(CheckRefusal::Resolve)?, found) {
            (_, Found::AskProvider(_)) => Ok(None),
            (Resolved::Moved(next), Found::Compared(_)) => counted(&next).map(Some),
            (_, found) => found.answer().map(Some),
        }
    }

    /// Counts, asks, decides, so that the provider is never asked more often than
    /// allowed; `None` if the code that counts is known here since a moment ago.
    async fn check_at_provider(
        &self,
        verification: &Verification,
        typed: &Secret,
    ) -> Result<Option<CheckResult>, CheckRefusal> {
        let (id, at) = (verification.id, self.clock.now());
        let account = verification.current_step().map(|step| &step.account);
        let account = account.and_then(|name| self.account_named(name));
        let provider = account.map(|(_, account)| &account.provider).ok_or(CheckRefusal::NoCode)?;
        let mut found = Found::NoCode;
        let resolved = self.resolve(id, |newest| {
            found = self.look_at(newest, typed, at);
            let asks = matches!(found, Found::AskProvider(_));
            Judgement { event: asks.then_some(Event::CheckBegun), at, row: None }
        });
        match (resolved.await.map_err(CheckRefusal::Resolve)?, found) {
            (_, Found::Compared(_)) => Ok(None),
            (Resolved::Moved(next), Found::AskProvider(request)) => {
                if next.status() != Status::Pending {
                    return counted(&next).map(Some);
                }
                self.ask_provider(id, provider, &request, typed).await.map(Some)
            }
            (_, found) => found.answer().map(Some),
        }
    }

    async fn ask_provider(
        &self,
        id: VerificationId,
        provider: &Provider,
        request: &str,
        typed: &Secret,
    ) -> Result<CheckResult, CheckRefusal> {
        let (check, answer) = match provider.reserve().await {
            Err(no_room) => {
                let wait = SignedDuration::try_from(no_room.retry_after).unwrap_or_default();
                let until = self.clock.now() + wait;
                (ProviderCheck::NotAsked, Err(CheckRefusal::NoRoom { until }))
            }
            Ok(slot) => answered(id, provider.check_code(slot, request, typed).await),
        };
        let at = self.clock.now();
        let judge =
            move |_: &_| Judgement { event: Some(Event::CheckAnswered(check)), at, row: None };
        let resolved = self.resolve(id, judge).await.map_err(CheckRefusal::Resolve)?;
        // A right code counts only if it was the one that ended it.
        match (answer?, resolved) {
            (CheckResult::Correct, Resolved::Moved(next)) => counted(&next),
            (CheckResult::Correct, Resolved::Unchanged) => {
                self.look_at(&self.show_any(id).await?, typed, at).answer()
            }
            (answer, _) => Ok(answer),
        }
    }

    /// What was typed, sealed, where the start asked to keep it.
    fn sealed_typed(&self, verification: &Verification, typed: &Secret) -> Option<Box<[u8]>> {
        let keeps = verification.codes.as_ref().is_some_and(|codes| codes.rules.keeps_typed);
        keeps.then(|| self.store_key().seal_typed(verification.id, typed))
    }

    fn look_at(&self, newest: &Verification, typed: &Secret, now: Timestamp) -> Found {
        if let State::Final(end) = &newest.state {
            return match (end.outcome, end.outcome.status()) {
                (_, Status::Verified) => Found::Answer(CheckResult::AlreadyVerified),
                (Outcome::TooManyChecks, _) => Found::Answer(CheckResult::Exhausted),
                (_, Status::Expired) => Found::Answer(CheckResult::Expired),
                (_, status) => Found::Ended(status),
            };
        }
        let code_over = newest.code_until().is_some_and(|until| until <= now);
        if newest.expires_at <= now || code_over {
            return Found::Answer(CheckResult::Expired);
        }
        let (here, request) = sent(newest);
        let Some(codes) = newest.codes.as_deref().filter(|_| here || request.is_some()) else {
            return Found::NoCode;
        };
        if codes.checks_left() == 0 {
            return Found::Answer(CheckResult::Exhausted);
        }
        let code = if here { self.code(newest, codes.generation) } else { None };
        match (code.is_some_and(|code| StoreKey::is_code(&code, typed)), request) {
            (true, _) => Found::Compared(true),
            (false, Some(request)) => Found::AskProvider(request.into()),
            (false, None) => Found::Compared(false),
        }
    }
}

/// What the provider's answer means for the count, and for who asked.
fn answered(
    id: VerificationId,
    answer: Result<CodeCheck, ProviderError>,
) -> (ProviderCheck, Result<CheckResult, CheckRefusal>) {
    let error = match answer {
        Ok(CodeCheck::Right) => return (ProviderCheck::Right, Ok(CheckResult::Correct)),
        Ok(CodeCheck::Wrong) => return (ProviderCheck::Wrong, Ok(CheckResult::Incorrect)),
        Ok(CodeCheck::Gone) => return (ProviderCheck::NotAsked, Ok(CheckResult::Expired)),
        Err(error) => error,
    };
    tracing::warn!(verification.id = %id, error = %error, "the provider did not check a code");
    let check = match error {
        ProviderError::Unknown { .. } => ProviderCheck::Unknown,
        ProviderError::Refused { .. }
        | ProviderError::RateLimited
        | ProviderError::Unauthorized
        | ProviderError::Unreachable { .. } => ProviderCheck::NotAsked,
    };
    (check, Err(CheckRefusal::Provider(error)))
}

/// Whether a code that is known here may have been told and still counts, and
/// the newest message whose code only the provider knows.
fn sent(verification: &Verification) -> (bool, Option<&str>) {
    let generation = verification.codes.as_ref().map_or(0, |codes| codes.generation);
    let mut here = false;
    let mut request = None;
    for attempt in &verification.attempts {
        let code = verification.step_of(attempt).and_then(|step| step.code());
        let (Some(code), Asks::Code(of)) = (code, attempt.asks) else { continue };
        let refused = matches!(attempt.dispatch, Dispatch::Refused { .. });
        match code.source {
            CodeSource::Own => here |= of == generation && !refused,
            CodeSource::Provider => request = attempt.request.as_deref().or(request),
        }
    }
    (here, request)
}

/// What a check that was counted came to.
fn counted(next: &Verification) -> Result<CheckResult, CheckRefusal> {
    let Some(end) = next.conclusion() else { return Ok(CheckResult::Incorrect) };
    match (end.outcome, end.outcome.status()) {
        (Outcome::CodeCorrect, _) => Ok(CheckResult::Correct),
        (Outcome::TooManyChecks, _) => Ok(CheckResult::Incorrect),
        (_, Status::Expired) => Ok(CheckResult::Expired),
        (_, status) => Err(CheckRefusal::AlreadyEnded(status)),
    }
}

impl Found {
    /// The answer when nothing was counted.
    fn answer(self) -> Result<CheckResult, CheckRefusal> {
        match self {
            Self::Answer(answer) => Ok(answer),
            Self::Ended(status) => Err(CheckRefusal::AlreadyEnded(status)),
            Self::NoCode => Err(CheckRefusal::NoCode),
            Self::Compared(_) | Self::AskProvider(_) => Ok(CheckResult::Exhausted),
        }
    }
}

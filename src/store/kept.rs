//! How values stand in columns, and how long rows are kept: the same for every adapter.

use jiff::{SignedDuration, Timestamp};
use uuid::Builder;

use super::{DeliveryState, Settings};
use crate::domain::{Attempt, Status, Timing, Verification, VerificationId};

/// How long an idempotency key is kept.
pub(super) const IDEMPOTENCY: SignedDuration = SignedDuration::from_hours(24);

/// A dead claim is kept so much longer, since a new attempt learns from it
/// which call came before.
pub(super) const DEAD_CLAIMS: SignedDuration = SignedDuration::from_hours(24);

/// How long a signature is known: longer than its time stamp is accepted.
pub(super) const SIGNATURES: SignedDuration = SignedDuration::from_hours(1);

/// Why an endpoint is disabled that answered 410.
pub(super) const GONE: &str = "it answered 410 Gone";

/// How long things are kept by configuration.
pub(super) struct Retention {
    pub(super) verifications: SignedDuration,
    pub(super) uncorrelated: SignedDuration,
}

impl Retention {
    pub(super) fn of(settings: &Settings) -> Self {
        let span = |kept| SignedDuration::try_from(kept).unwrap_or(SignedDuration::MAX);
        Self {
            verifications: span(settings.retention),
            uncorrelated: span(settings.uncorrelated_retention),
        }
    }
}

/// A time as its column keeps it. Times outside of this era become its ends.
pub(super) fn nanoseconds(at: Timestamp) -> i64 {
    let exact = at.as_nanosecond();
    i64::try_from(exact).unwrap_or(if exact < 0 { i64::MIN } else { i64::MAX })
}

/// The instant `kept` before `now`, as a column keeps it.
pub(super) fn before(now: Timestamp, kept: SignedDuration) -> i64 {
    let kept = i64::try_from(kept.as_nanos()).unwrap_or(i64::MAX);
    nanoseconds(now).saturating_sub(kept)
}

/// The id before all that are made at `at` or later: ids are in order of time.
pub(super) fn first_id(at: Timestamp) -> VerificationId {
    let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or(0);
    VerificationId::new(Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid())
}

/// Whether a claim that names the attempt `index` can go.
pub(super) fn is_long_dead(
    attempts: &[Attempt],
    index: i64,
    timing: &Timing,
    now: Timestamp,
) -> bool {
    let attempt = usize::try_from(index).ok().and_then(|index| attempts.get(index));
    attempt.is_none_or(|attempt| {
        let until = attempt.claims_held_until(timing).checked_add(DEAD_CLAIMS);
        until.is_ok_and(|until| until <= now)
    })
}

pub(super) const fn state_code(state: DeliveryState) -> u8 {
    match state {
        DeliveryState::Pending => 0,
        DeliveryState::Delivered => 1,
        DeliveryState::Failed => 2,
        DeliveryState::Held => 3,
    }
}

/// Until when something of it runs, or its claims tell old notifications from new ones.
pub(super) fn runs_until(verification: &Verification, timing: &Timing) -> Timestamp {
    let buttons = verification.attempts.iter().filter(|attempt| {
        verification.step_of(attempt).is_some_and(|step| step.button().is_some())
    });
    let kept = |at: Timestamp, span: SignedDuration| at.checked_add(span).unwrap_or(Timestamp::MAX);
    let claims = buttons.map(|call| kept(call.claims_held_until(timing), DEAD_CLAIMS)).max();
    let pending = (verification.status() == Status::Pending).then_some(verification.expires_at);
    // Of a test nothing is claimed.
    let claims = claims.filter(|_| !verification.test);
    claims.max(pending).max(Some(Timestamp::MIN)).unwrap_or(Timestamp::MIN)
}

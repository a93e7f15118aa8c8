//! Redeeming: what an app asks before it acts, since an id from a browser is only a claim.

use jiff::Timestamp;

use super::attempt::later;
use super::{Entry, EntryKind, Recipient, State, Status, Timing, Verification};

/// Why a verification is not redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedeemRefusal {
    /// It is not verified, or not yet.
    #[error("the verification is not verified")]
    NotVerified,
    /// Number or reference differ from those it was started with.
    #[error("number or reference differ from those the verification was started with")]
    Mismatch,
    /// A later report contradicted the one that decided.
    #[error("the verification is disputed: a later report contradicted it")]
    Disputed,
    /// It was redeemed before.
    #[error("the verification was redeemed before")]
    AlreadyRedeemed,
    /// Too much time has passed since it was verified.
    #[error("the verification is too old to be redeemed")]
    TooOld,
}

impl RedeemRefusal {
    /// The word used in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotVerified => "not_verified",
            Self::Mismatch => "mismatch",
            Self::Disputed => "disputed",
            Self::AlreadyRedeemed => "already_redeemed",
            Self::TooOld => "too_old",
        }
    }
}

impl Verification {
    /// Uses it up: succeeds once, only while verified, undisputed and fresh,
    /// and only for the number and reference it was started with.
    ///
    /// # Errors
    /// See [`RedeemRefusal`].
    pub fn redeem(
        &self,
        to: &Recipient,
        reference: Option<&str>,
        now: Timestamp,
        timing: &Timing,
    ) -> Result<(Self, Entry), RedeemRefusal> {
        let mut next = self.clone();
        let State::Final(end) = &mut next.state else { return Err(RedeemRefusal::NotVerified) };
        if end.outcome.status() != Status::Verified {
            return Err(RedeemRefusal::NotVerified);
        }
        if self.to != *to || self.reference.as_deref() != reference {
            return Err(RedeemRefusal::Mismatch);
        }
        if end.disputed {
            return Err(RedeemRefusal::Disputed);
        }
        if end.redeemed_at.is_some() {
            return Err(RedeemRefusal::AlreadyRedeemed);
        }
        if now > later(end.at, timing.redeem_within) {
            return Err(RedeemRefusal::TooOld);
        }
        end.redeemed_at = Some(now);
        next.version += 1;
        let entry = next.entry(now, EntryKind::Redeemed);
        Ok((next, entry))
    }
}

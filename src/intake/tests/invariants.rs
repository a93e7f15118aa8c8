//! What must hold in every history, by the numbers of design.
//!
//! 3 and 5 speak of codes, which have histories of their own beside the domain. 8 is
//! the store's own and is tested with it. 9 has a test of its own, `orders`.

use super::pbx::Millis;
use super::truth::{Call, Origin};
use super::world::World;
use crate::domain::{Dispatch, Outcome, Status, Verification};

/// What is wrong, in words.
pub(super) type Broken = String;

/// After each move of a verification: 1 final states absorb, 2 only a true press
/// verifies, 6 a dispatch is not repeated.
pub(super) fn hold_for_move(
    before: &Verification,
    after: &Verification,
    origin: Option<Origin>,
    call: &Call,
) -> Result<(), Broken> {
    if let (Some(was), Some(is)) = (before.conclusion(), after.conclusion()) {
        let kept = was.outcome == is.outcome && was.at == is.at;
        let only_gained = (is.disputed || !was.disputed)
            && (was.redeemed_at.is_none() || was.redeemed_at == is.redeemed_at);
        ensure(kept && only_gained, || "1: a final state has changed".to_owned())?;
    }
    ensure(before.conclusion().is_none() || after.conclusion().is_some(), || {
        "1: a final state is pending again".to_owned()
    })?;
    if before.status() != Status::Verified && after.status() == Status::Verified {
        ensure(origin == Some(Origin::Button { call: call.index }), || {
            format!("2: verified by {origin:?}")
        })?;
        ensure(call.is_confirmed_by_person(), || {
            format!("2: verified, but the person pressed {:?}", call.story.pressed)
        })?;
    }
    let (was, is) = (before.attempts[0].dispatch, after.attempts[0].dispatch);
    let legal = was == is
        || match was {
            Dispatch::Intended => true,
            Dispatch::Unknown => is == Dispatch::Accepted,
            Dispatch::Accepted | Dispatch::Refused { .. } => false,
        };
    ensure(legal && after.attempts.len() == 1, || format!("6: from {was:?} to {is:?}"))
}

/// At a start that was admitted: 4 no other call that shares a form is under way.
pub(super) fn hold_for_start(now: Millis, calls: &[Call], new: &Call) -> Result<(), Broken> {
    let under_way = calls
        .iter()
        .find(|call| call.shares_a_form_with(new) && call.story.placed && now < call.ends_at());
    ensure(under_way.is_none(), || "4: two calls at once, both ours".to_owned())
}

/// When time has run out: 7 everything has ended, in time, and 10 every result
/// that was told in time has decided.
pub(super) fn hold_at_the_end(world: &World, calls: &[Call]) -> Result<(), Broken> {
    for (call, verification) in calls.iter().zip(&world.store) {
        let Some(end) = verification.conclusion() else {
            return Err("7: a verification never ends".to_owned());
        };
        let latest = verification.expires_at.min(call.window_ends_at(&world.timing));
        ensure(end.at <= latest, || format!("7: ended at {} after {latest}", end.at))?;
        if let Some(expected) = call.told_in_time
            && call.forgiven.is_none()
        {
            ensure(end.outcome == expected, || {
                format!("10: told in time {expected:?}, but ended as {:?}", end.outcome)
            })?;
        }
        let lost = !call.story.placed && end.outcome == Outcome::Confirmed;
        ensure(!lost, || "2: verified without a call".to_owned())?;
    }
    Ok(())
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> Broken) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

//! The concurrency that matters, checked exhaustively: three replicas over one store,
//! one number, two verifications for it. Every order of steps is tried.
//!
//! The transitions are the product's own (`Verification::begin` and `apply`,
//! `claims_held_until`, `due_at`); `core` asks for each once. The window of a result
//! is said again there, since the rules of the intake are private to it. `replicas`
//! holds what stands around them, and that is the protocol that replicas follow:
//!
//! 1. **Start.** One transaction looks at the claims and stores verification, claims,
//!    and the intent to dial with a lease of its replica. A claim counts by the
//!    record of the attempt that it names, by the store's clock.
//! 2. **Dispatch.** Only the replica that stored the intent ever dials it, and once. Right before,
//!    it reads the row from the store, not from memory: still pending, still `Intended`,
//!    and the lease has not ended by the store's clock. Otherwise it does not dial, and
//!    stores that (`Withdrawn`), which frees the claims unless the attempt counts as
//!    unknown by then.
//! 3. **Lease loss.** Whoever finds an `Intended` attempt whose lease has ended stores
//!    `Unknown`: it waits for the notification and is never dialled again, by nobody. A
//!    replica that starts does this only for leases that have ended, or it
//!    would declare its living neighbours' calls unknown. A replica that had looked at its
//!    lease in time may still dial; the claims of an unknown attempt hold as long as
//!    those of any other, so nobody else calls meanwhile.
//! 4. **Change.** Every change is stored by compare-and-set of the version, from
//!    whatever version was read. On conflict the row is read from the store, and the event, with
//!    the time at which it happened, is applied again.
//! 5. **Notification.** Memory may place it, but does not have the last word: what
//!    memory does not place is looked up by the store's claims before it is
//!    called unmatched, and the transaction that stores a result also sees that the claim
//!    still names this verification. If not, or on conflict, it is placed anew from
//!    the store. (A refused call's claim is free at once; a replica that
//!    has not heard of the next call would give that one's press to the refused one, whose
//!    plan may still be walking.) 200 follows the commit.
//! 6. **Expiry, cancel.** Any replica, by 4.
//!
//! What it takes for granted: from looking at the lease to the end of the call
//! passes less time than the claims hold. A stop of a replica between these two steps is
//! tried with up to 300 seconds, as is a call; together with the lease
//! that stays below `call_lost_after`. No store can stop a replica that sleeps longer
//! between its look and its dialling.
//!
//! Kept small: five instants; the first verification is refused or called, may be
//! canceled, has a plan that goes on after its call, and its notification may come twice;
//! the second is called and confirmed. One crash and one cancel, at any moment. Two
//! replicas that make the same change at once are one.

mod core;
mod replicas;

use stateright::{Checker, HasDiscoveries, Model};

use replicas::{DIALLED_ONCE, FINAL_ABSORBS, ONE_CALL, OWN_PRESS, Replicas, STORED, Seed};

#[test]
fn three_replicas_keep_every_invariant_in_every_order_of_steps() {
    let checker = Replicas::with(Seed::Nothing).checker().threads(2).spawn_bfs().join();
    println!(
        "{} states, {} different, {} deep, of {} versions",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        checker.model().core.count(),
    );
    assert!(checker.is_done());
    checker.assert_properties();
}

/// With one rule left out the checker finds what breaks.
fn assert_finds(seed: Seed, broken: &'static str) {
    let until = HasDiscoveries::AllOf([broken].into());
    let checker = Replicas::with(seed).checker().threads(2).finish_when(until).spawn_bfs().join();
    let path = checker.discovery(broken);
    let path = path.unwrap_or_else(|| panic!("{seed:?} breaks nothing: {broken}"));
    println!("{seed:?} breaks \"{broken}\": {:?}", path.into_actions());
}

#[test]
fn without_the_look_at_the_lease_two_calls_ring_at_once() {
    assert_finds(Seed::NoLeaseCheck, ONE_CALL);
}

#[test]
fn a_takeover_that_dials_dials_twice() {
    assert_finds(Seed::TakeoverDials, DIALLED_ONCE);
}

#[test]
fn without_compare_and_set_a_final_verification_changes() {
    assert_finds(Seed::NoCompareAndSet, FINAL_ABSORBS);
}

#[test]
fn claims_seen_outside_of_the_transaction_let_two_calls_ring_at_once() {
    assert_finds(Seed::ClaimsBeforeTransaction, ONE_CALL);
}

#[test]
fn a_notification_placed_by_memory_alone_is_lost() {
    assert_finds(Seed::MemoryAlone, STORED);
}

#[test]
fn a_result_stored_without_a_look_at_the_claim_confirms_another_verification() {
    assert_finds(Seed::ClaimNotInCommit, OWN_PRESS);
}

#[test]
fn a_notification_answered_before_it_is_stored_is_not_there_when_it_counts() {
    assert_finds(Seed::AnswerBeforeCommit, STORED);
}

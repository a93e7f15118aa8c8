//! What passes every rule and still does not verify: the core's own judgement
//! of a result, again with an adversary's case each.

use super::pbx::{Notice, PbxClock, Text, civil};
use super::story::{ENDINGS, Ending};
use super::world::World;
use crate::domain::{Event, Key, Outcome, RefusalReason, Status};
use crate::intake::Verdict;
use crate::zadarma::notification::CallEvent;

const NOON: i64 = 1_793_872_800_000;
/// Its place among the numbers of these tests, and a way of writing it.
const NUMBER: usize = 0;
const WRITTEN: &str = "0441112222";

/// One verification in flight, and its call's notifications.
struct Scene {
    world: World,
    index: usize,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new(NOON, true);
        world.measure(clock().shows(NOON, 0));
        let index = world.start(NUMBER, Key::ONE, 600_000).unwrap();
        world.now += 20_000;
        Self { world, index }
    }

    /// Delivers with a genuine signature, a second after the last.
    fn deliver(&mut self, notice: &Notice) -> Verdict {
        self.world.now += 1_000;
        let signed = notice.signed_before_time() + &notice.call_start;
        self.world.receive(notice, &signed).unwrap()
    }

    fn outcome(&self) -> Option<Outcome> {
        self.world.store[self.index].conclusion().map(|end| end.outcome)
    }

    fn is_disputed(&self) -> bool {
        self.world.store[self.index].conclusion().is_some_and(|end| end.disputed)
    }
}

const fn clock() -> PbxClock {
    PbxClock { ahead_before: 0, ahead_after: 0, changes_at: NOON }
}

/// The end of the call, in which `keys` were pressed.
fn end(disposition: &'static str, keys: &'static str) -> Notice {
    let start = Text::Owned(civil(clock().shows(NOON + 2_000, 0)));
    let mut notice = Notice::new(CallEvent::End, Text::Borrowed("out_a"), start);
    notice.caller_id = Some(Text::Borrowed(WRITTEN));
    notice.called_did = Some(Text::Borrowed("0"));
    notice.disposition = Some(Text::Borrowed(disposition));
    notice.calltype = Some(Text::Borrowed("callback_leg1"));
    notice.callback_dtmf = Some(Text::Borrowed(keys));
    notice
}

#[test]
fn the_key_asked_for_verifies_whatever_the_calltype() {
    for calltype in [Some("callback_leg1"), Some("callback_leg2"), Some("normal"), None] {
        let mut scene = Scene::new();
        let mut press = end("answered", "1");
        press.calltype = calltype.map(Text::Borrowed);
        assert_eq!(scene.deliver(&press), Verdict::Accepted);
        assert_eq!(scene.outcome(), Some(Outcome::Confirmed));
    }
}

#[test]
fn a_key_in_a_call_that_nobody_answered_does_not_verify() {
    let dispositions =
        ["busy", "cancel", "no answer", "failed", "no money", "", "answered ", "yes"];
    for disposition in dispositions {
        let mut scene = Scene::new();
        assert_eq!(scene.deliver(&end(disposition, "1")), Verdict::Accepted);
        assert_ne!(scene.outcome(), Some(Outcome::Confirmed), "{disposition:?}");
    }
}

#[test]
fn more_than_the_key_asked_for_is_another_key() {
    for keys in ["11", " 1", "1 ", "1#", "01", "2", "2,1", "1\0", "１", "*", "true"] {
        let mut scene = Scene::new();
        scene.deliver(&end("answered", keys));
        assert_eq!(scene.outcome(), Some(Outcome::WrongKey), "{keys:?}");
    }
}

#[test]
fn the_first_key_result_wins_and_a_forged_second_one_is_disputed() {
    for (keys, outcome) in [("", Outcome::NoKey), ("2", Outcome::WrongKey)] {
        let mut scene = Scene::new();
        scene.deliver(&end("answered", keys));
        scene.deliver(&end("answered", "1"));
        assert_eq!(scene.outcome(), Some(outcome));
        assert!(scene.is_disputed());
    }
}

#[test]
fn an_agents_own_call_to_the_number_is_a_hint() {
    let mut scene = Scene::new();
    let mut call = end("answered", "");
    call.callback_dtmf = None;
    for calltype in [Some("normal"), Some(""), Some("incoming_callback_leg1"), None] {
        call.calltype = calltype.map(Text::Borrowed);
        assert_eq!(scene.deliver(&call), Verdict::Hint, "{calltype:?}");
        assert_eq!(scene.outcome(), None);
    }
    assert_eq!(scene.deliver(&end("answered", "1")), Verdict::Accepted);
    assert_eq!(scene.outcome(), Some(Outcome::Confirmed));
}

#[test]
fn a_press_in_a_canceled_call_confirms_neither_it_nor_what_is_asked_next() {
    let mut scene = Scene::new();
    scene.world.answered(scene.index, &Event::CancelAsked);
    assert_eq!(scene.world.start(NUMBER, Key::ONE, 600_000), None, "the phone still rings");
    assert_eq!(scene.deliver(&end("answered", "1")), Verdict::Accepted);
    assert_eq!(scene.outcome(), Some(Outcome::Canceled));
    scene.world.now += 61_000;
    let next = scene.world.start(NUMBER, Key::ONE, 600_000).expect("the call is over");
    let mut second_leg = end("answered", "1");
    second_leg.pbx_call_id = Text::Borrowed("out_b");
    assert_eq!(scene.deliver(&second_leg), Verdict::OutsideWindow);
    assert_eq!(scene.world.store[next].status(), Status::Pending);
}

#[test]
fn what_began_after_the_result_is_another_call() {
    let mut scene = Scene::new();
    scene.deliver(&end("answered", ""));
    scene.world.now += 40_000;
    let mut other = end("answered", "1");
    other.call_start = Text::Owned(civil(clock().shows(scene.world.now, 0)));
    assert_eq!(scene.deliver(&other), Verdict::OutsideWindow);
    assert!(!scene.is_disputed());
}

#[test]
fn a_later_leg_is_remembered_though_it_repeats_the_result() {
    let mut scene = Scene::new();
    scene.deliver(&end("answered", "1"));
    let first = scene.world.store[scene.index].attempts[0].last_call_start();
    let mut second_leg = end("answered", "1");
    second_leg.call_start = Text::Owned(civil(clock().shows(NOON + 5_000, 0)));
    scene.deliver(&second_leg);
    let last = scene.world.store[scene.index].attempts[0].last_call_start();
    assert!(last > first);
}

#[test]
fn of_two_ends_without_a_key_the_same_counts_in_either_order() {
    let come_true = |first: &Ending, second: &Ending, calltype: &'static str| {
        let mut scene = Scene::new();
        for ending in [first, second] {
            let mut notice = end(ending.disposition, "");
            notice.status_code = Some(Text::Borrowed(ending.status_code));
            notice.calltype = Some(Text::Borrowed(calltype));
            notice.callback_dtmf = None;
            scene.deliver(&notice);
        }
        scene.world.now += 600_000;
        scene.world.answered(scene.index, &Event::TimePassed);
        scene.outcome().expect("its time is over")
    };
    for (one, other) in ENDINGS.iter().flat_map(|one| ENDINGS.iter().map(move |other| (one, other)))
    {
        for calltype in ["callback_leg1", "normal"] {
            let outcome = come_true(one, other, calltype);
            assert_eq!(outcome, come_true(other, one, calltype));
            assert_ne!(outcome, Outcome::Confirmed);
        }
    }
}

#[test]
fn a_result_outranks_a_later_refusal_by_the_api() {
    let refused = Event::Refused { attempt: 0, reason: RefusalReason::Refused };
    let mut scene = Scene::new();
    scene.deliver(&end("answered", "1"));
    scene.world.answered(scene.index, &refused);
    assert_eq!(scene.outcome(), Some(Outcome::Confirmed));
    assert_eq!(scene.world.start(NUMBER, Key::ONE, 600_000), None, "its claims hold");

    let mut scene = Scene::new();
    let mut first_leg = end("answered", "");
    first_leg.callback_dtmf = None;
    scene.deliver(&first_leg);
    scene.world.answered(scene.index, &refused);
    assert_eq!(scene.outcome(), None);
    scene.deliver(&end("answered", "1"));
    assert_eq!(scene.outcome(), Some(Outcome::Confirmed));
}

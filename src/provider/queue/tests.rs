use proptest::prelude::*;

use super::*;

const DEADLINE: Duration = Duration::from_secs(5);

fn queue(per_minute: u32) -> (Queue, Clock, crate::clock::ClockHand) {
    let (clock, hand) = Clock::settable(Timestamp::UNIX_EPOCH);
    (Queue::new(clock.clone(), per_minute, DEADLINE, None), clock, hand)
}

#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Reserve,
    Spare,
    Use(usize),
    Drop(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0_u64..7_000).prop_map(Step::Pass),
        6 => Just(Step::Reserve),
        1 => Just(Step::Spare),
        4 => (0_usize..8).prop_map(Step::Use),
        1 => (0_usize..8).prop_map(Step::Drop),
    ]
}

proptest! {
    #[test]
    fn no_window_is_overfull_and_no_place_is_used_late(
        limit in 1_u32..12,
        steps in prop::collection::vec(step(), 1..400),
    ) {
        let (queue, clock, hand) = queue(limit);
        let (mut slots, mut sent) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Pass(millis) => hand.advance(Duration::from_millis(millis)),
                Step::Reserve => match queue.reserve_here() {
                    Ok(slot) => {
                        prop_assert!(slot.at() <= later(clock.now(), queue.0.deadline));
                        slots.push((slot.at(), slot));
                    }
                    Err(full) => prop_assert!(!full.retry_after.is_zero()),
                },
                Step::Spare => slots.extend(queue.spare_now().ok().map(|slot| (slot.at(), slot))),
                Step::Drop(which) if which < slots.len() => drop(slots.remove(which)),
                Step::Use(which) if which < slots.len() => {
                    let (promised, mut slot) = slots.remove(which);
                    match slot.look() {
                        Turn::Go => {
                            let now = clock.now();
                            prop_assert!(promised <= now && now <= later(promised, queue.0.deadline));
                            sent.push(now);
                        }
                        Turn::Wait(_) => slots.push((promised, slot)),
                        Turn::TooLate => {}
                    }
                }
                Step::Use(_) | Step::Drop(_) => {}
            }
            let crowd = limit as usize + 1;
            prop_assert!(sent.windows(crowd).all(|row| later(row[0], WINDOW) <= row[crowd - 1]));
        }
        drop(slots);
        hand.advance(Duration::from_secs(60));
        let fresh: Vec<_> = (0..limit).map(|_| queue.reserve_here().unwrap()).collect();
        prop_assert!(fresh.iter().all(|slot| slot.at() == clock.now()));
    }
}

proptest! {
    #[test]
    fn who_comes_on_time_goes_on_time(
        limit in 1_u32..6,
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let (queue, clock, hand) = queue(limit);
        let mut slots: Vec<Slot> = Vec::new();
        for step in steps {
            match step {
                Step::Pass(millis) => {
                    let until = later(clock.now(), SignedDuration::from_millis(millis.cast_signed()));
                    slots.sort_by_key(Slot::at);
                    while slots.first().is_some_and(|slot| slot.at() <= until) {
                        let mut slot = slots.remove(0);
                        hand.set(slot.at());
                        prop_assert_eq!(slot.look(), Turn::Go);
                    }
                    hand.set(until);
                }
                Step::Drop(which) if which < slots.len() => drop(slots.remove(which)),
                _ => slots.extend(queue.reserve_here()),
            }
        }
    }
}

#[test]
fn a_full_line_says_when_to_ask_again_and_is_right() {
    let (queue, _, hand) = queue(2);
    let _held = [queue.reserve_here().unwrap(), queue.reserve_here().unwrap()];
    let full = queue.reserve_here().err().unwrap();
    assert_eq!(full.retry_after, Duration::from_secs(55));
    hand.advance(full.retry_after);
    assert!(queue.reserve_here().is_ok());
}

#[test]
fn an_unused_slot_gives_its_place_back() {
    let (queue, clock, _) = queue(1);
    drop(queue.reserve_here().unwrap());
    let mut slot = queue.reserve_here().unwrap();
    assert_eq!((slot.at(), slot.look()), (clock.now(), Turn::Go));
    drop(slot);
    assert!(queue.reserve_here().is_err());
}

#[test]
fn what_held_it_back_is_over_when_our_clock_is_stepped_back() {
    let (queue, clock, hand) = queue(10);
    let hour = SignedDuration::from_hours(1);
    hand.set(later(clock.now(), hour));
    let until = later(clock.now(), WINDOW);
    queue.tell(Told { sent_at: clock.now(), left: 0, until });
    queue.pause();
    assert!(queue.reserve_here().is_err());
    hand.set(Timestamp::UNIX_EPOCH);
    assert_eq!(queue.reserve_here().unwrap().at(), clock.now());
    queue.tell(Told { sent_at: clock.now(), left: 0, until: later(clock.now(), WINDOW) });
    assert!(queue.reserve_here().is_err());
}

#[test]
fn other_requests_leave_a_tenth_to_calls() {
    let (queue, ..) = queue(10);
    let spare: Vec<_> = std::iter::from_fn(|| queue.spare_now().ok()).collect();
    assert_eq!(spare.len(), 9);
    assert!(queue.reserve_here().is_ok());
}

#[tokio::test]
async fn a_burst_waits_its_turn() {
    let (queue, _, hand) = queue(1);
    queue.reserve_here().unwrap().turn().await.unwrap();
    hand.advance(Duration::from_secs(57));
    let mut second = queue.reserve_here().unwrap();
    let turn = tokio::spawn(async move { second.turn().await });
    tokio::task::yield_now().await;
    assert!(!turn.is_finished());
    hand.advance(Duration::from_secs(3));
    assert_eq!(turn.await.unwrap(), Ok(()));
}

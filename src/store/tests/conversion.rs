//! Attempts that are judged by how many of their prefix were proved.

use futures_util::future::join_all;

use super::*;
use crate::domain::{Conversion, Mode, Rule};
use crate::store::{Bar, Barring, CameTo, Converting, GuardKey, Learned, RuleTotal};

const KEY: GuardKey = [1; 16];
const EXEMPT: GuardKey = [2; 16];

contract!(
    of_many_starts_at_once_one_blocks_the_prefix_and_none_passes,
    a_proof_is_kept_with_its_change_and_speaks_for_its_prefix,
    an_exemption_is_found_whether_the_prefix_is_about_to_be_blocked_or_is_already,
    a_shadow_blocks_nothing_and_goes_on_counting,
    what_is_over_is_swept,
);

const RULE: Conversion = Conversion {
    min_percent: 50,
    min_volume: 4,
    window: SignedDuration::from_mins(16),
    settle: SignedDuration::from_mins(5),
    block_for: SignedDuration::from_hours(1),
};

fn converting(number: u64, mode: Mode, now: Timestamp) -> Start {
    let mut start = start(380_500_000_000 + number, now);
    let subject = "+38050000 by sms".into();
    let converting = Converting { key: KEY, mode, conversion: RULE, app: None, subject };
    start.admission.converting = vec![converting];
    start.admission.exemptions = vec![[9; 16], EXEMPT];
    start.admission.bars = vec![Barring { key: KEY, rule: Rule::Conversion, mode }];
    start
}

async fn tried(test: &TestStore, number: u64, now: Timestamp) -> Started {
    test.store.start(converting(number, Mode::Enforce, now), now).await.unwrap()
}

#[track_caller]
fn stored(started: Started) -> Verification {
    match started {
        Started::Stored { verification, .. } => verification,
        other => panic!("{other:?}"),
    }
}

async fn of_many_starts_at_once_one_blocks_the_prefix_and_none_passes() {
    let test = TestStore::open().await;
    let early = join_all((0..50).map(|number| tried(&test, number, at(0)))).await;
    assert_eq!(early.into_iter().map(stored).count(), 50);

    let late = join_all((100..300).map(|number| tried(&test, number, at(400)))).await;

    let mut blocked = Vec::new();
    for answer in late {
        let Started::Refused { refusal, blocked: now, .. } = answer else { panic!("{answer:?}") };
        assert_eq!((refusal.rule, refusal.until), (Rule::Conversion, Some(at(4_000))));
        blocked.extend(now);
    }
    assert_eq!(blocked.len(), 1);
    let bar = test.store.find_bar(KEY).await.unwrap();
    assert_eq!(bar.as_ref(), blocked.first());
    assert_eq!(bar.unwrap().reason.as_deref(), Some("0 of 50 attempts were proved"));
    let total = RuleTotal { rule: Rule::Conversion, mode: Mode::Enforce, total: 200 };
    assert_eq!(test.store.rule_totals().await.unwrap(), [total]);

    // Lifted, it begins afresh.
    assert!(test.store.lift_bar(KEY, at(401)).await.unwrap());
    stored(tried(&test, 400, at(402)).await);
    stored(tried(&test, 401, at(900)).await);
}

async fn a_proof_is_kept_with_its_change_and_speaks_for_its_prefix() {
    let test = TestStore::open().await;
    for number in 0..4 {
        let verification = stored(tried(&test, number, at(0)).await);
        let (_, change) = moved(&verification, pressed(5_000, at(9)), at(9));
        let came_to = match number {
            0 | 1 => CameTo::Proved,
            2 => CameTo::NotPlaced,
            _ => continue,
        };
        let learned = |key| Learned::Attempt { key, intent_at: at(0), came_to };
        // Of another prefix nothing was counted.
        let change = change.with_learned(vec![learned(KEY), learned([8; 16])]);
        let committed = test.store.change(change).await.unwrap();
        assert!(matches!(committed, Committed::Stored { .. }));
    }
    for number in 10..12 {
        stored(tried(&test, number, at(0)).await);
    }
    // Two of five: one more than the volume, and too few.
    let Started::Refused { blocked, .. } = tried(&test, 20, at(400)).await else { panic!() };
    assert_eq!(blocked[0].reason.as_deref(), Some("2 of 5 attempts were proved"));
}

async fn an_exemption_is_found_whether_the_prefix_is_about_to_be_blocked_or_is_already() {
    let test = TestStore::open().await;
    for number in 0..4 {
        stored(tried(&test, number, at(0)).await);
    }
    let exemption = Bar {
        key: EXEMPT,
        rule: Rule::Conversion,
        app: None,
        subject: "+38 by sms".into(),
        reason: None,
        created_at: at(0),
        until: None,
    };
    test.store.put_bar(exemption.clone()).await.unwrap();
    stored(tried(&test, 10, at(400)).await);
    assert!(test.store.lift_bar(EXEMPT, at(401)).await.unwrap());
    assert!(matches!(tried(&test, 11, at(402)).await, Started::Refused { .. }));
    test.store.put_bar(exemption).await.unwrap();
    stored(tried(&test, 12, at(403)).await);
}

async fn a_shadow_blocks_nothing_and_goes_on_counting() {
    let test = TestStore::open().await;
    let shadow = |number, now| test.store.start(converting(number, Mode::Shadow, now), now);
    for number in 0..4 {
        shadow(number, at(0)).await.unwrap();
    }
    for number in 10..12 {
        let Started::Stored { noted, .. } = shadow(number, at(400)).await.unwrap() else {
            panic!()
        };
        assert_eq!(noted.iter().map(|said| said.rule).collect::<Vec<_>>(), [Rule::Conversion]);
    }
    assert_eq!(test.store.find_bar(KEY).await.unwrap(), None);
}

async fn what_is_over_is_swept() {
    let test = TestStore::open().await;
    for number in 0..4 {
        stored(tried(&test, number, at(0)).await);
    }
    test.store.sweep(at(1_000)).await.unwrap();
    assert!(matches!(tried(&test, 10, at(1_000)).await, Started::Refused { .. }));
    test.store.sweep(at(4_600)).await.unwrap();
    assert_eq!(test.store.find_bar(KEY).await.unwrap(), None);
    stored(tried(&test, 11, at(4_600)).await);
}

/// On PostgreSQL, since only there are several.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_starts_on_two_replicas_one_blocks_the_prefix_and_none_passes() {
    let (test, other) = super::replicas::two().await;
    let both =
        |place: u64| if place.is_multiple_of(2) { test.store.clone() } else { other.clone() };
    let go = |numbers: std::ops::Range<u64>, now| {
        let starts = numbers.map(|number| {
            let (store, start) = (both(number), converting(number, Mode::Enforce, now));
            tokio::spawn(async move { store.start(start, now).await.unwrap() })
        });
        join_all(starts.collect::<Vec<_>>())
    };
    for started in go(0..200, at(0)).await {
        stored(started.unwrap());
    }
    let mut blocked = Vec::new();
    for refused in go(1_000..1_400, at(400)).await {
        let Started::Refused { blocked: now, .. } = refused.unwrap() else { panic!() };
        blocked.extend(now);
    }
    assert_eq!(blocked.len(), 1);
    assert_eq!(blocked[0].reason.as_deref(), Some("0 of 200 attempts were proved"));
    other.close().await;
}

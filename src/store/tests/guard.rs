//! The guard's rows: what is counted with a start, and what stands in its way.

use futures_util::future::join_all;

use super::*;
use crate::domain::{Limit, Mode, Refusal, Rule};
use crate::store::{Bar, Barring, Count, RuleTotal};

const KEY: [u8; 16] = [1; 16];

fn count(key: u8, mode: Mode, max: u64) -> Count {
    let limits = vec![Limit { max, per: SignedDuration::from_mins(10) }];
    Count { key: [key; 16], rule: Rule::PerNumber, mode, amount: 1, limits }
}

/// A start of its own number that counts under each of `counts`.
fn counting(number: u64, counts: Vec<Count>, now: Timestamp) -> Start {
    let mut start = start(number, now);
    start.admission.counts = counts;
    start
}

fn bar(key: u8, until: Option<Timestamp>) -> Bar {
    Bar {
        key: [key; 16],
        rule: Rule::Suppression,
        app: Some(name("shop")),
        subject: "+380•••••••67".into(),
        reason: Some("asked by letter".into()),
        created_at: at(0),
        until,
    }
}

const fn barring(key: u8, mode: Mode) -> Barring {
    Barring { key: [key; 16], rule: Rule::Suppression, mode }
}

#[tokio::test]
async fn of_a_thousand_starts_at_once_a_limit_of_five_admits_five() {
    let test = TestStore::open().await;
    let starts = (0..1000).map(|number| {
        let counts = vec![count(1, Mode::Enforce, 5)];
        test.store.start(counting(380_500_000_000 + number, counts, at(0)), at(0))
    });

    let answers = join_all(starts).await;

    let stored = answers.iter().filter(|answer| matches!(answer, Ok(Started::Stored { .. })));
    assert_eq!(stored.count(), 5);
    let refused = answers.iter().filter_map(|answer| match answer {
        Ok(Started::Refused { refusal, .. }) => Some(refusal.until.unwrap()),
        _ => None,
    });
    let mut ends: Vec<Timestamp> = refused.collect();
    ends.dedup();
    // The last nanoseconds of the instant count as a whole millisecond.
    assert_eq!(ends, [at(600) + SignedDuration::from_nanos(543_211)]);
    let total = RuleTotal { rule: Rule::PerNumber, mode: Mode::Enforce, total: 995 };
    assert_eq!(test.store.rule_totals().await.unwrap(), [total]);
}

#[tokio::test]
async fn what_is_refused_counts_under_no_key_and_leaves_nothing_else() {
    let test = TestStore::open().await;
    for number in 0..2 {
        let counts = vec![count(1, Mode::Enforce, 2), count(2, Mode::Enforce, 100)];
        let start = counting(380_500_000_000 + number, counts, at(0));
        assert!(matches!(test.store.start(start, at(0)).await, Ok(Started::Stored { .. })));
    }
    let counts = vec![count(1, Mode::Enforce, 2), count(2, Mode::Enforce, 100)];
    let refused = counting(380_500_000_009, counts, at(1));
    let id = refused.verification.id;
    let answer = test.store.start(idempotent(refused, "key", 1), at(1)).await;
    assert!(matches!(answer, Ok(Started::Refused { .. })));

    assert!(test.store.find(id).await.unwrap().is_none());
    assert!(test.store.idempotency(&name("shop"), "key").await.unwrap().is_none());
    // Under the second key there is room for 98 more, not for 97.
    let rest = (0..98).map(|number| {
        let counts = vec![count(2, Mode::Enforce, 100)];
        test.store.start(counting(380_600_000_000 + number, counts, at(2)), at(2))
    });
    let rest = join_all(rest).await;
    assert!(rest.iter().all(|answer| matches!(answer, Ok(Started::Stored { .. }))));
    let last = counting(380_700_000_000, vec![count(2, Mode::Enforce, 100)], at(2));
    assert!(matches!(test.store.start(last, at(2)).await, Ok(Started::Refused { .. })));
}

#[tokio::test]
async fn a_shadow_refuses_nothing_says_what_it_would_have_and_counts_it() {
    let test = TestStore::open().await;
    let mut noted = Vec::new();
    for number in 0..3 {
        let start = counting(380_500_000_000 + number, vec![count(1, Mode::Shadow, 2)], at(0));
        match test.store.start(start, at(0)).await.unwrap() {
            Started::Stored { noted: of, .. } => noted.extend(of),
            other => panic!("{other:?}"),
        }
    }
    let rules: Vec<(Rule, Mode)> = noted.iter().map(|said| (said.rule, said.mode)).collect();
    assert_eq!(rules, [(Rule::PerNumber, Mode::Shadow)]);
    let total = RuleTotal { rule: Rule::PerNumber, mode: Mode::Shadow, total: 1 };
    assert_eq!(test.store.rule_totals().await.unwrap(), [total]);
}

#[tokio::test]
async fn a_bar_stands_until_its_time_or_until_it_is_lifted() {
    let test = TestStore::open().await;
    let barred = || {
        let mut start = start(380_991_234_567, at(10));
        start.admission.bars = vec![barring(1, Mode::Enforce)];
        start
    };
    test.store.put_bar(bar(1, Some(at(60)))).await.unwrap();
    let refused =
        Refusal { rule: Rule::Suppression, mode: Mode::Enforce, until: Some(at(60)), limit: None };
    let answer = test.store.start(barred(), at(10)).await.unwrap();
    assert_eq!(answer, Started::Refused { refusal: refused, noted: vec![refused] });
    let asked = || vec![barring(2, Mode::Enforce), barring(1, Mode::Enforce)];
    assert_eq!(test.store.standing(asked(), at(59)).await.unwrap(), Some(refused));
    assert_eq!(test.store.standing(asked(), at(60)).await.unwrap(), None);

    // The longer of two stands, whichever came first.
    test.store.put_bar(bar(1, Some(at(30)))).await.unwrap();
    assert_eq!(test.store.find_bar(KEY).await.unwrap().unwrap().until, Some(at(60)));
    test.store.put_bar(bar(1, None)).await.unwrap();
    test.store.put_bar(bar(1, Some(at(70)))).await.unwrap();
    assert_eq!(test.store.find_bar(KEY).await.unwrap(), Some(bar(1, None)));
    assert!(test.store.lift_bar(KEY, at(100)).await.unwrap());
    assert!(!test.store.lift_bar(KEY, at(100)).await.unwrap());
    assert!(matches!(test.store.start(barred(), at(10)).await, Ok(Started::Stored { .. })));
}

#[tokio::test]
async fn bars_are_listed_by_rule_in_pages_and_only_while_they_stand() {
    let test = TestStore::open().await;
    for key in 1..=5 {
        test.store.put_bar(bar(key, None)).await.unwrap();
    }
    test.store.put_bar(bar(6, Some(at(10)))).await.unwrap();
    test.store.put_bar(Bar { rule: Rule::KillSwitch, ..bar(7, None) }).await.unwrap();
    let page = |after| test.store.bars(Rule::Suppression, after, 3, at(10));
    let (first, second) = (page(None).await.unwrap(), page(Some([3; 16])).await.unwrap());
    let keys: Vec<u8> = first.iter().chain(&second).map(|bar| bar.key[0]).collect();
    assert_eq!(keys, [1, 2, 3, 4, 5]);
    assert_eq!(first[0], bar(1, None));
}

#[tokio::test]
async fn what_counts_outlives_a_restart_and_is_swept_once_it_counts_no_more() {
    let test = TestStore::open().await;
    let one = |number: u64, now| {
        counting(380_500_000_000 + number, vec![count(1, Mode::Enforce, 1)], now)
    };
    test.store.start(one(1, at(0)), at(0)).await.unwrap();
    let test = test.reopen().await;
    test.store.sweep(at(599)).await.unwrap();
    assert!(matches!(
        test.store.start(one(2, at(599)), at(599)).await,
        Ok(Started::Refused { .. })
    ));
    test.store.sweep(at(601)).await.unwrap();
    assert!(matches!(test.store.start(one(3, at(601)), at(601)).await, Ok(Started::Stored { .. })));
}

/// The adversary's: one prefix, a thousand of its numbers, ten times each.
#[tokio::test]
async fn ten_thousand_starts_over_a_thousand_numbers_of_one_prefix_store_what_the_prefix_may() {
    let test = TestStore::open().await;
    let (mut stored, mut refused) = (0, 0);
    for round in 0..10 {
        let starts = (0..1000_u64).map(|number| {
            let mut of_number = count(1, Mode::Enforce, 5);
            of_number.key[..8].copy_from_slice(&number.to_be_bytes());
            let of_prefix = Count { rule: Rule::PerPrefix, ..count(255, Mode::Enforce, 20) };
            let now = at(round);
            let start = counting(380_991_230_000 + number, vec![of_number, of_prefix], now);
            test.store.start(start, now)
        });
        for answer in join_all(starts).await {
            match answer.unwrap() {
                Started::Stored { .. } => stored += 1,
                Started::Refused { refusal, .. } => {
                    assert_eq!(refusal.rule, Rule::PerPrefix);
                    refused += 1;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((stored, refused), (20, 9_980));
}

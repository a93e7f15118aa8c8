//! The guard's rows: what is counted with a start, and what stands in its way.

use futures_util::future::join_all;

use super::admission::waiting;
use super::replicas::two;
use super::*;
use crate::domain::{Limit, Mode, Refusal, Rule};
use crate::store::{Bar, Barring, Calling, Count, Intended, Learned, RuleTotal, Silence};

const KEY: [u8; 16] = [1; 16];

contract!(
    of_a_thousand_starts_at_once_a_limit_of_five_admits_five,
    what_is_refused_counts_under_no_key_and_leaves_nothing_else,
    a_shadow_refuses_nothing_says_what_it_would_have_and_counts_it,
    a_bar_stands_until_its_time_or_until_it_is_lifted,
    bars_are_listed_by_rule_in_pages_and_only_while_they_stand,
    what_counts_outlives_a_restart_and_is_swept_once_it_counts_no_more,
    ten_thousand_starts_over_a_thousand_numbers_of_one_prefix_store_what_the_prefix_may,
    what_a_change_teaches_is_kept_with_it_and_only_then,
    a_later_step_is_judged_and_counts_like_a_start,
    a_call_that_was_surely_not_placed_counts_for_nothing,
    calls_that_nobody_heard_of_degrade_until_one_is_heard,
    silence_is_news_to_one_who_looks_until_it_ends,
    two_bars_of_one_batch_stand_as_long_as_the_longer,
);

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
    assert_eq!(
        answer,
        Started::Refused { refusal: refused, noted: vec![refused], blocked: vec![] }
    );
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

async fn a_later_step_is_judged_and_counts_like_a_start() {
    let test = TestStore::open().await;
    let (waiting, intent) = waiting(&test).await;
    let counting_step = |version, max| {
        let mut intent = intent(version);
        intent.admission.counts = vec![count(1, Mode::Enforce, max)];
        intent
    };
    let Intended::Refused { refusal, noted, .. } =
        test.store.intend(counting_step(2, 0), at(30)).await.unwrap()
    else {
        panic!("there is no room")
    };
    assert_eq!((refusal.rule, refusal.mode), (Rule::PerNumber, Mode::Enforce));
    assert_eq!(noted, [refusal]);
    assert_eq!(test.store.find(waiting.id).await.unwrap().unwrap().version, 1);

    // What is not stored for another reason does not count either.
    let conflict = test.store.intend(counting_step(3, 1), at(30)).await.unwrap();
    assert_eq!(conflict, Intended::Conflict);
    let stored = test.store.intend(counting_step(2, 1), at(30)).await.unwrap();
    assert!(matches!(stored, Intended::Stored { .. }));
    let start = counting(380_500_000_000, vec![count(1, Mode::Enforce, 1)], at(31));
    assert!(matches!(test.store.start(start, at(31)).await, Ok(Started::Refused { .. })));
    let total = RuleTotal { rule: Rule::PerNumber, mode: Mode::Enforce, total: 2 };
    assert_eq!(test.store.rule_totals().await.unwrap(), [total]);
}

/// Starts a button call on the account whose silence counts; what was said of it.
async fn called(test: &TestStore, number: u64, now: Timestamp) -> (Started, Vec<Refusal>) {
    let mut start = start(380_500_000_000 + number, now);
    let result_window = SignedDuration::from_secs(180);
    start.admission.calling = Some(Calling { key: KEY, mode: Mode::Enforce, result_window });
    let started = test.store.start(start, now).await.unwrap();
    let noted = match &started {
        Started::Stored { noted, .. } | Started::Refused { noted, .. } => noted.clone(),
        other => panic!("{other:?}"),
    };
    (started, noted)
}

async fn learn(test: &TestStore, verification: &Verification, learned: Vec<Learned>) -> Committed {
    let (_, change) = moved(verification, pressed(5_000, at(9)), at(9));
    test.store.change(change.with_learned(learned)).await.unwrap()
}

async fn calls_that_nobody_heard_of_degrade_until_one_is_heard() {
    let test = TestStore::open().await;
    let first = test.started(380_991_234_567, at(0)).await;
    for number in 0..5 {
        let (started, noted) = called(&test, number, at(0)).await;
        assert!(matches!(started, Started::Stored { .. }) && noted.is_empty());
    }
    let (probe, noted) = called(&test, 5, at(300)).await;
    assert!(matches!(probe, Started::Stored { .. }));
    assert_eq!(noted.iter().map(|said| said.mode).collect::<Vec<_>>(), [Mode::Shadow]);
    let (refused, _) = called(&test, 6, at(301)).await;
    assert!(matches!(refused, Started::Refused { .. }));

    // Of another account's calls nothing is known, and hearing of them is no news.
    let heard = vec![Learned::Heard([9; 16]), Learned::Heard(KEY)];
    assert!(matches!(learn(&test, &first, heard).await, Committed::Stored { .. }));

    for number in 10..15 {
        let (started, noted) = called(&test, number, at(302)).await;
        assert!(matches!(started, Started::Stored { .. }) && noted.is_empty());
    }
    let (_, noted) = called(&test, 15, at(900)).await;
    assert_eq!(noted.len(), 1, "five more in vain");
}

async fn silence_is_news_to_one_who_looks_until_it_ends() {
    let test = TestStore::open().await;
    let result_window = SignedDuration::from_secs(180);
    let calling = Calling { key: KEY, mode: Mode::Enforce, result_window };
    let look = async |seconds| test.store.notice_silence(calling, at(seconds)).await.unwrap();
    assert_eq!(look(0).await, Silence::Heard, "nothing was placed");
    for round in [0_u16, 1000] {
        for number in 0..5_u16 {
            called(&test, (100 + round + number).into(), at(round.into())).await;
        }
        let later = i64::from(round);
        assert_eq!(look(later + 179).await, Silence::Heard);
        let looks = (0..20).map(|_| test.store.notice_silence(calling, at(later + 180)));
        let seen: Vec<_> = join_all(looks).await.into_iter().map(Result::unwrap).collect();
        let news = seen.iter().filter(|seen| **seen == Silence::Noticed).count();
        let known = seen.iter().filter(|seen| **seen == Silence::Known).count();
        assert_eq!((news, known), (1, 19), "{seen:?}");
        // Of another account's calls nothing is known.
        let other = Calling { key: [9; 16], ..calling };
        let silence = test.store.notice_silence(other, at(later + 180)).await.unwrap();
        assert_eq!(silence, Silence::Heard);
        let call = test.started(380_991_234_567 + u64::from(round), at(0)).await;
        learn(&test, &call, vec![Learned::Heard(KEY)]).await;
        assert_eq!(look(later + 181).await, Silence::Heard, "a call was heard of");
    }
}

async fn a_call_that_was_surely_not_placed_counts_for_nothing() {
    let test = TestStore::open().await;
    let first = test.started(380_991_234_567, at(0)).await;
    for number in 0..5_u8 {
        called(&test, number.into(), at(number.into())).await;
    }
    let learned = vec![Learned::NotPlaced { key: KEY, intent_at: at(2) }];
    learn(&test, &first, learned).await;
    let (started, noted) = called(&test, 6, at(300)).await;
    assert!(matches!(started, Started::Stored { .. }) && noted.is_empty(), "it is the fifth");
    let (_, noted) = called(&test, 7, at(900)).await;
    assert_eq!(noted.len(), 1);
}

async fn what_a_change_teaches_is_kept_with_it_and_only_then() {
    let test = TestStore::open().await;
    let verification = test.started(380_991_234_567, at(0)).await;
    let stored = learn(&test, &verification, vec![Learned::Bar(bar(1, Some(at(60))))]).await;
    assert!(matches!(stored, Committed::Stored { .. }));
    let conflict = learn(&test, &verification, vec![Learned::Bar(bar(2, None))]).await;
    assert_eq!(conflict, Committed::Conflict);
    assert_eq!(test.store.find_bar(KEY).await.unwrap(), Some(bar(1, Some(at(60)))));
    assert_eq!(test.store.find_bar([2; 16]).await.unwrap(), None);
}

async fn two_bars_of_one_batch_stand_as_long_as_the_longer() {
    let test = TestStore::open().await;
    let mut changes = Vec::new();
    for (number, until) in [(0, at(60)), (1, at(90)), (2, at(30))] {
        let verification = test.started(380_500_000_000 + number, at(0)).await;
        let learned = vec![Learned::Bar(bar(1, Some(until)))];
        changes.push(moved(&verification, pressed(5_000, at(9)), at(9)).1.with_learned(learned));
    }
    let answers = join_all(changes.into_iter().map(|change| test.store.change(change))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Committed::Stored { .. }))));
    assert_eq!(test.store.find_bar(KEY).await.unwrap(), Some(bar(1, Some(at(90)))));
}

/// Starts on two replicas, in turn.
async fn on_both(
    test: &TestStore,
    other: &Store,
    starts: impl Iterator<Item = Start>,
) -> Vec<Started> {
    let answers = starts.enumerate().map(|(place, start)| {
        let store = if place % 2 == 0 { test.store.clone() } else { other.clone() };
        let now = start.verification.created_at;
        tokio::spawn(async move { store.start(start, now).await.unwrap() })
    });
    join_all(answers.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_starts_on_two_replicas_a_limit_of_five_admits_five() {
    let (test, other) = two().await;
    for round in 0..4_u8 {
        // The rest is counted under keys that meet in every order.
        let starts = (0..1000_u16).map(|number| {
            let shadow = |place: u16| 100 + u8::try_from((place * 7 + number) % 13).unwrap();
            let mut counts = vec![count(round, Mode::Enforce, 5)];
            counts.extend((0..5).map(|place| count(shadow(place), Mode::Shadow, 2)));
            let number = u64::from(round) * 1000 + u64::from(number);
            counting(380_500_000_000 + number, counts, at(0))
        });
        let answers = on_both(&test, &other, starts).await;
        let stored = answers.iter().filter(|answer| matches!(answer, Started::Stored { .. }));
        assert_eq!(stored.count(), 5, "round {round}");
        let refused = answers.iter().filter(|answer| matches!(answer, Started::Refused { .. }));
        assert_eq!(refused.count(), 995);
        let totals = other.rule_totals().await.unwrap();
        let enforced = totals.iter().find(|total| total.mode == Mode::Enforce).unwrap();
        assert_eq!(enforced.total, 995 * (u64::from(round) + 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_start_while_others_hear_of_calls_wait_for_each_other_in_one_direction() {
    let (test, other) = two().await;
    let mut changes = Vec::new();
    for number in 0..200 {
        let verification = test.started(380_600_000_000 + number, at(0)).await;
        let (_, change) = moved(&verification, pressed(5_000, at(9)), at(9));
        let key = [u8::try_from(number % 3).unwrap(); 16];
        let bar = Learned::Bar(bar(u8::try_from(100 + number % 5).unwrap(), None));
        changes.push(change.with_learned(vec![Learned::Heard(key), bar]));
    }
    let heard = changes.into_iter().enumerate().map(|(place, change)| {
        let store = if place % 2 == 0 { test.store.clone() } else { other.clone() };
        tokio::spawn(async move { store.change(change).await.unwrap() })
    });
    let heard: Vec<_> = heard.collect();
    let starts = (0..200_u8).map(|number| {
        let counts = vec![count(50 + number % 7, Mode::Shadow, 2)];
        let mut start = counting(380_500_000_000 + u64::from(number), counts, at(0));
        let result_window = SignedDuration::from_secs(180);
        let key = [number % 3; 16];
        start.admission.calling = Some(Calling { key, mode: Mode::Enforce, result_window });
        start
    });
    let answers = on_both(&test, &other, starts).await;
    assert!(answers.iter().all(|answer| matches!(answer, Started::Stored { .. })));
    for answer in join_all(heard).await {
        assert!(matches!(answer.unwrap(), Committed::Stored { .. }));
    }
    test.store.close().await;
    other.close().await;
    let StoreUrl::Postgres(url) = &test.url else { panic!() };
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let database = server::Server::database(url.expose());
    assert_eq!(server::shared().execute(database, sql), "0");
}

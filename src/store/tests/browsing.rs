//! Browsing over every app.

use super::*;
use crate::domain::{Outcome, Status};
use crate::store::Browse;

contract!(
    every_app_is_browsed_newest_first_and_one_app_alone,
    number_and_reference_are_found_in_every_app_however_few_are_looked_at,
    times_and_words_filter,
    a_rare_outcome_is_looked_for_among_so_many_and_goes_on_from_there,
    page_by_page_everything_of_an_app_is_found_once,
);

fn everything() -> Browse {
    Browse {
        app: None,
        to: None,
        reference: None,
        status: None,
        outcome: None,
        channel: None,
        created_from: None,
        created_until: None,
        before: None,
        limit: 10,
        look_at: 100,
    }
}

/// Starts of the same number by several apps, one a minute, oldest first.
async fn by_apps(test: &TestStore, apps: &[&str]) -> Vec<Verification> {
    let mut all = Vec::new();
    for (minute, app) in apps.iter().enumerate() {
        let now = at(i64::try_from(minute).unwrap() * 60);
        let mut start = start(380_991_234_567, now);
        start.verification.app = name(app);
        start.claims.clear();
        let started = test.store.start(start, now).await.unwrap();
        let Started::Stored { verification, .. } = started else { panic!("{started:?}") };
        all.push(verification);
    }
    all
}

async fn found(test: &TestStore, browse: Browse) -> Vec<VerificationId> {
    let browsed = test.store.browse(browse).await.unwrap();
    assert_eq!(browsed.looked_until, None);
    browsed.verifications.iter().map(|verification| verification.id).collect()
}

async fn every_app_is_browsed_newest_first_and_one_app_alone() {
    let test = TestStore::open().await;
    assert!(found(&test, everything()).await.is_empty());
    let ids: Vec<_> = by_apps(&test, &["b", "a", "b", "c"]).await.iter().map(|v| v.id).collect();
    let newest_first = [ids[3], ids[2], ids[1], ids[0]];
    assert_eq!(found(&test, everything()).await, newest_first);
    let of_b = Browse { app: Some(name("b")), ..everything() };
    assert_eq!(found(&test, of_b).await, [ids[2], ids[0]]);
    let second_page = Browse { before: Some(ids[2]), limit: 1, ..everything() };
    assert_eq!(found(&test, second_page).await, [ids[1]]);
    let names = test.store.app_names().await.unwrap();
    assert_eq!(names, ["a", "b", "c"].map(name));
}

async fn number_and_reference_are_found_in_every_app_however_few_are_looked_at() {
    let test = TestStore::open().await;
    let all = by_apps(&test, &["b", "a", "b"]).await;
    let newest_first = [all[2].id, all[1].id, all[0].id];
    let few = Browse { look_at: 1, ..everything() };
    let to = Browse { to: Some(all[0].to.clone()), ..few.clone() };
    assert_eq!(found(&test, to).await, newest_first);
    let reference = Browse { reference: Some("order-1".to_owned()), ..few.clone() };
    assert_eq!(found(&test, reference).await, newest_first);
    let other = Browse { reference: Some("order-2".to_owned()), ..few };
    assert!(found(&test, other).await.is_empty());
}

async fn times_and_words_filter() {
    let test = TestStore::open().await;
    let all = by_apps(&test, &["a", "a", "a"]).await;
    let (next, change) = moved(&all[1], pressed(1_790_000_060, at(90)), at(90));
    test.store.change(change).await.unwrap();
    assert_eq!(next.status(), Status::Verified);
    let verified = Browse { status: Some(Status::Verified), ..everything() };
    assert_eq!(found(&test, verified).await, [all[1].id]);
    let confirmed = Browse { outcome: Some(Outcome::Confirmed), ..everything() };
    assert_eq!(found(&test, confirmed).await, [all[1].id]);
    let between = Browse {
        created_from: Some(all[1].created_at),
        created_until: Some(all[2].created_at),
        ..everything()
    };
    assert_eq!(found(&test, between).await, [all[1].id]);
}

async fn a_rare_outcome_is_looked_for_among_so_many_and_goes_on_from_there() {
    let test = TestStore::open().await;
    let all = by_apps(&test, &["a", "b", "a", "b"]).await;
    let (_, change) = moved(&all[0], pressed(1_790_000_000, at(90)), at(90));
    test.store.change(change).await.unwrap();
    let rare = Browse { status: Some(Status::Verified), look_at: 2, ..everything() };
    let first = test.store.browse(rare.clone()).await.unwrap();
    assert!(first.verifications.is_empty());
    assert_eq!(first.looked_until, Some(all[2].id));
    let second = Browse { before: first.looked_until, ..rare.clone() };
    let second = test.store.browse(second).await.unwrap();
    assert_eq!(second.verifications.iter().map(|v| v.id).collect::<Vec<_>>(), [all[0].id]);
    assert_eq!(second.looked_until, Some(all[0].id));
    let third = Browse { before: second.looked_until, ..rare };
    assert!(found(&test, third).await.is_empty());
}

async fn page_by_page_everything_of_an_app_is_found_once() {
    let test = TestStore::open().await;
    let apps: Vec<&str> = (0..40).map(|i| if i % 3 == 0 { "b" } else { "a" }).collect();
    let all = by_apps(&test, &apps).await;
    let of_a = || all.iter().filter(|one| one.app == name("a"));
    let mut expected = Vec::new();
    for (place, one) in of_a().enumerate().filter(|(place, _)| place % 7 == 2) {
        let seconds = i64::try_from(place).unwrap();
        let at = one.created_at + jiff::SignedDuration::from_secs(9 + seconds);
        let (_, change) = moved(one, Event::CancelAsked, at);
        test.store.change(change).await.unwrap();
        expected.insert(0, one.id);
    }
    for look_at in 1..12 {
        let (mut seen, mut before, mut pages) = (Vec::new(), None, 0);
        loop {
            let outcome = Some(Outcome::Canceled);
            let app = Some(name("a"));
            let page = Browse { app, outcome, before, look_at, limit: 2, ..everything() };
            let page = test.store.browse(page).await.unwrap();
            let is_full = page.verifications.len() == 2;
            before = page.looked_until.or(page.verifications.last().map(|last| last.id));
            seen.extend(page.verifications.iter().map(|found| found.id));
            pages += 1;
            if !is_full && page.looked_until.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected, "{look_at}");
        assert!(pages >= of_a().count() / usize::try_from(look_at).unwrap(), "{pages} {look_at}");
    }
}

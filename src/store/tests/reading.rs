//! Search and its pages.

use super::*;
use crate::domain::{Channel, Outcome, Status};
use crate::store::Browse;

const NUMBER: u64 = 380_991_234_567;

contract!(
    a_search_finds_the_apps_own_newest_first,
    every_filter_filters,
    a_page_goes_on_where_the_one_before_ended,
    whose_a_claim_is_is_found_by_account_and_form,
);

fn everything() -> Browse {
    Browse {
        app: Some(name("shop")),
        to: None,
        reference: None,
        status: None,
        outcome: None,
        channel: None,
        created_from: None,
        created_until: None,
        before: None,
        limit: 100,
        look_at: 1_000,
    }
}

/// Four verifications, one of another app; the second is canceled.
async fn filled() -> (TestStore, Vec<VerificationId>) {
    let test = TestStore::open().await;
    let mut ids = Vec::new();
    for i in 0..4 {
        let mut start = start(NUMBER + i, at(i as i64));
        start.verification.reference = Some(format!("order-{i}").into());
        if i == 3 {
            start.verification.app = name("bank");
        }
        let verification = start.verification.clone();
        ids.push(verification.id);
        test.store.start(start, at(i as i64)).await.unwrap();
        if i == 1 {
            test.happened(&verification, Event::CancelAsked, at(10)).await;
        }
    }
    (test, ids)
}

async fn found(test: &TestStore, search: Browse) -> Vec<VerificationId> {
    test.store.browse(search).await.unwrap().verifications.iter().map(|found| found.id).collect()
}

async fn a_search_finds_the_apps_own_newest_first() {
    let (test, ids) = filled().await;
    assert_eq!(found(&test, everything()).await, [ids[2], ids[1], ids[0]]);
    let bank = Browse { app: Some(name("bank")), ..everything() };
    assert_eq!(found(&test, bank).await, [ids[3]]);
}

async fn every_filter_filters() {
    let (test, ids) = filled().await;
    let number = Browse { to: Some(PhoneNumber::from_u64(NUMBER).into()), ..everything() };
    assert_eq!(found(&test, number).await, [ids[0]]);
    let reference = Browse { reference: Some("order-2".into()), ..everything() };
    assert_eq!(found(&test, reference).await, [ids[2]]);
    let status = Browse { status: Some(Status::Canceled), ..everything() };
    assert_eq!(found(&test, status).await, [ids[1]]);
    let outcome = Browse { outcome: Some(Outcome::Canceled), ..everything() };
    assert_eq!(found(&test, outcome).await, [ids[1]]);
    let channel = Browse { channel: Some(Channel::CallButton), ..everything() };
    assert_eq!(found(&test, channel).await.len(), 3);
    let from = Browse { created_from: Some(at(1)), ..everything() };
    assert_eq!(found(&test, from).await, [ids[2], ids[1]]);
    let until = Browse { created_until: Some(at(1)), ..everything() };
    assert_eq!(found(&test, until).await, [ids[0]]);
    let all = Browse {
        to: Some(PhoneNumber::from_u64(NUMBER).into()),
        status: Some(Status::Canceled),
        ..everything()
    };
    assert!(found(&test, all).await.is_empty());
}

async fn a_page_goes_on_where_the_one_before_ended() {
    let (test, ids) = filled().await;
    let first = Browse { limit: 2, ..everything() };
    assert_eq!(found(&test, first).await, [ids[2], ids[1]]);
    let second = Browse { limit: 2, before: Some(ids[1]), ..everything() };
    assert_eq!(found(&test, second).await, [ids[0]]);
}

async fn whose_a_claim_is_is_found_by_account_and_form() {
    let test = TestStore::open().await;
    let first = test.started(NUMBER, at(0)).await;
    let other = test.started(NUMBER + 1, at(0)).await;
    let form = claims(NUMBER)[1].clone();
    let elsewhere = Claim { account: name("second"), ..form.clone() };

    let (found, mut all) = test.store.claiming(&form).await.unwrap().unwrap();
    let mut expected = claims(NUMBER);
    let by_form = |claim: &Claim| claim.form.as_u64();
    all.sort_by_key(by_form);
    expected.sort_by_key(by_form);
    assert_eq!((found, all), (first, expected));
    let (found, _) = test.store.claiming(&claims(NUMBER + 1)[0]).await.unwrap().unwrap();
    assert_eq!(found, other);
    assert_eq!(test.store.claiming(&elsewhere).await.unwrap(), None);
    assert_eq!(test.store.claiming(&claims(NUMBER + 2)[0]).await.unwrap(), None);
}

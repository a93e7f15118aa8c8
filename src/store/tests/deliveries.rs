//! Deliveries: stored with their cause, leased by one, given back, searched.

use std::time::Duration;

use super::audit::done;
use super::*;
use crate::domain::DeliveryId;
use crate::store::{
    DeliveryOutcome, DeliverySearch, DeliveryState, FinishedTry, LeasedDelivery, NewDelivery,
    Target, Tried,
};

const NUMBER: u64 = 380_991_234_567;

contract!(
    a_change_that_is_refused_leaves_no_delivery,
    a_delivery_is_leased_by_one_and_due_again_when_the_lease_ends,
    one_target_takes_no_more_than_its_share,
    an_endpoint_that_is_gone_gets_nothing_until_it_is_enabled,
    a_delivery_is_asked_for_again_by_its_app_only_and_even_while_it_is_sent,
    the_log_is_searched_by_state_endpoint_and_verification_in_pages,
    deliveries_go_with_their_verification,
);

pub(super) fn delivery(verification: &Verification, endpoint: &str, number: u8) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::from_bytes([number; 16]),
        app: name("shop"),
        verification: verification.id,
        target: Target::Endpoint(name(endpoint)),
        kind: "verification.verified".into(),
        at: at(20),
        payload: b"{}".to_vec().into(),
    }
}

impl TestStore {
    /// A verification that ends at 20 and causes deliveries to these endpoints.
    async fn told(&self, endpoints: &[&str]) -> Verification {
        let verification = self.started(NUMBER, at(0)).await;
        let (next, change) = moved(&verification, pressed(5_000, at(20)), at(20));
        let deliveries = endpoints
            .iter()
            .zip(1..)
            .map(|(endpoint, number)| delivery(&verification, endpoint, number));
        let change = change.with_deliveries(deliveries.collect());
        assert!(matches!(self.store.change(change).await.unwrap(), Committed::Stored { .. }));
        next
    }

    async fn leased(&self, now: Timestamp) -> Vec<LeasedDelivery> {
        let due = self.store.due_deliveries(now, 8, 64).await.unwrap();
        let ids = due.into_iter().map(|due| due.id).collect();
        let until = now + SignedDuration::from_secs(60);
        self.store.lease_deliveries(ids, now, until).await.unwrap()
    }

    async fn finished(&self, leased: &LeasedDelivery, outcome: DeliveryOutcome) -> bool {
        let tried = Tried {
            at: at(21),
            duration: Duration::from_millis(7),
            status: Some(500),
            error: Some("no".into()),
        };
        let finished = FinishedTry {
            id: leased.id,
            lease_until: leased.lease_until,
            tried: Some(tried),
            outcome,
        };
        self.store.finish_try(finished).await.unwrap()
    }
}

fn all() -> DeliverySearch {
    let app = name("shop");
    DeliverySearch { app, state: None, endpoint: None, verification: None, before: None, limit: 9 }
}

async fn a_change_that_is_refused_leaves_no_delivery() {
    let test = TestStore::open().await;
    let verification = test.started(NUMBER, at(0)).await;
    test.happened(&verification, Event::Ringing { attempt: 0 }, at(5)).await;
    let (_, late) = moved(&verification, pressed(5_000, at(20)), at(20));
    let change = late.with_deliveries(vec![delivery(&verification, "a", 1)]);
    assert_eq!(test.store.change(change).await.unwrap(), Committed::Conflict);
    assert!(test.store.deliveries(all()).await.unwrap().is_empty());
}

async fn a_delivery_is_leased_by_one_and_due_again_when_the_lease_ends() {
    let test = TestStore::open().await;
    test.told(&["a"]).await;
    let first = test.leased(at(20)).await.remove(0);
    assert!(test.leased(at(79)).await.is_empty());
    let second = test.leased(at(80)).await.remove(0);
    assert_eq!(first.id, second.id);
    assert!(!test.finished(&first, DeliveryOutcome::Delivered).await, "the lease was over");
    assert!(test.finished(&second, DeliveryOutcome::Delivered).await);
    assert!(test.leased(at(10_000)).await.is_empty());
    let found = test.store.delivery(first.id).await.unwrap().unwrap();
    let (delivery, payload, tries) = (found.delivery, found.payload, found.tries);
    assert_eq!(
        (delivery.state, delivery.tries, &*payload),
        (DeliveryState::Delivered, 2, &b"{}"[..])
    );
    assert_eq!(delivery.last.as_ref(), tries.last());
}

#[tokio::test]
async fn what_was_leased_when_the_process_ended_is_due_at_once() {
    let test = TestStore::open().await;
    test.told(&["a"]).await;
    assert_eq!(test.leased(at(20)).await.len(), 1);
    let test = test.reopen().await;
    assert_eq!(test.leased(at(20)).await.len(), 1);
}

async fn one_target_takes_no_more_than_its_share() {
    let test = TestStore::open().await;
    test.told(&["a", "a", "a", "b"]).await;
    let due = test.store.due_deliveries(at(20), 2, 64).await.unwrap();
    let to = |wanted: &str| Target::Endpoint(name(wanted));
    assert_eq!(due.iter().filter(|due| due.target == to("a")).count(), 2);
    assert_eq!(due.iter().filter(|due| due.target == to("b")).count(), 1);
}

async fn an_endpoint_that_is_gone_gets_nothing_until_it_is_enabled() {
    let test = TestStore::open().await;
    test.told(&["a", "a", "b"]).await;
    let leased = test.leased(at(20)).await;
    assert!(test.finished(&leased[0], DeliveryOutcome::EndpointGone).await);
    assert!(test.finished(&leased[1], DeliveryOutcome::RetryAt(at(30))).await);
    assert!(test.finished(&leased[2], DeliveryOutcome::RetryAt(at(30))).await);
    let shop = name("shop");
    let disabled = test.store.disabled_endpoints(&shop).await.unwrap();
    assert_eq!((disabled.len(), disabled[0].name.as_str()), (1, "a"));
    let due = test.leased(at(30)).await;
    assert_eq!((due.len(), due[0].id), (1, leased[2].id));
    let held = DeliverySearch { state: Some(DeliveryState::Held), ..all() };
    assert_eq!(test.store.deliveries(held).await.unwrap().len(), 2);
    assert_eq!(test.store.enable_endpoint(&shop, &name("a"), at(40), done("a")).await.unwrap(), 2);
    assert!(test.store.disabled_endpoints(&shop).await.unwrap().is_empty());
    assert_eq!(test.leased(at(40)).await.len(), 2);
}

async fn a_delivery_is_asked_for_again_by_its_app_only_and_even_while_it_is_sent() {
    let test = TestStore::open().await;
    test.told(&["a"]).await;
    let first = test.leased(at(20)).await.remove(0);
    assert!(!test.store.redeliver(&name("other"), first.id, at(21), done("d")).await.unwrap());
    assert!(test.store.redeliver(&name("shop"), first.id, at(21), done("d")).await.unwrap());
    let second = test.leased(at(22)).await.remove(0);
    assert_eq!((second.id, second.tries_in_round), (first.id, 0));
    assert!(!test.finished(&first, DeliveryOutcome::Failed).await, "it was taken over");
    assert!(test.finished(&second, DeliveryOutcome::Delivered).await);
    let found = test.store.delivery(first.id).await.unwrap().unwrap();
    assert_eq!(found.delivery.state, DeliveryState::Delivered);
    assert_eq!((found.delivery.tries, found.tries.len()), (2, 2), "both tries are noted");
}

async fn the_log_is_searched_by_state_endpoint_and_verification_in_pages() {
    let test = TestStore::open().await;
    let told = test.told(&["a", "b", "b"]).await;
    let count = |search: DeliverySearch| {
        let store = test.store.clone();
        async move { store.deliveries(search).await.unwrap().len() }
    };
    assert_eq!(count(all()).await, 3);
    assert_eq!(count(DeliverySearch { endpoint: Some(name("b")), ..all() }).await, 2);
    assert_eq!(count(DeliverySearch { verification: Some(told.id), ..all() }).await, 3);
    assert_eq!(count(DeliverySearch { app: name("other"), ..all() }).await, 0);
    let failed = Some(DeliveryState::Failed);
    assert_eq!(count(DeliverySearch { state: failed, ..all() }).await, 0);
    let page = test.store.deliveries(DeliverySearch { limit: 2, ..all() }).await.unwrap();
    let before = page.last().map(|delivery| delivery.id);
    assert_eq!(count(DeliverySearch { before, ..all() }).await, 1);
}

async fn deliveries_go_with_their_verification() {
    let test = TestStore::open().await;
    test.told(&["a"]).await;
    let leased = test.leased(at(20)).await.remove(0);
    assert!(test.finished(&leased, DeliveryOutcome::Failed).await);
    assert_eq!(test.store.sweep(at(1) + A_DAY * 31).await.unwrap().verifications, 1);
    assert!(test.store.delivery(leased.id).await.unwrap().is_none());
}

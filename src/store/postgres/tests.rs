//! What only this adapter can get wrong: transactions that end late, and answers that get lost.

mod newest;
mod parts;
mod proxy;

use std::time::{Duration, Instant};

use super::Postgres;
use crate::config::StoreUrl;
use crate::domain::{Event, Secret, Verification};
use crate::store::tests::{at, keyed, moved, pressed, server, server_keys, start};
use crate::store::{
    Change, Changed, Committed, JournalCursor, OpenError, Settings, Started, StoreError,
};
use proxy::{Loses, Proxy};

const NUMBER: u64 = 380_991_234_567;

async fn open(url: &Secret) -> Result<Postgres, OpenError> {
    Postgres::open(url, Settings::of(StoreUrl::Postgres(url.clone()), server_keys())).await
}

fn database() -> Secret {
    Secret::new(server::shared().new_database())
}

/// A store, its database seen through a proxy, and a verification in it.
async fn behind_a_proxy() -> (Postgres, Proxy, Verification) {
    let proxy = Proxy::before(database().expose()).await;
    let store = open(&proxy.url).await.unwrap();
    let verification = started(&store, NUMBER).await;
    (store, proxy, verification)
}

async fn started(store: &Postgres, number: u64) -> Verification {
    let (start, to, claims) = keyed(start(number, at(0)));
    match store.start(start, to, claims, at(0)).await.unwrap() {
        Started::Stored { verification, .. } => verification,
        other => panic!("{other:?}"),
    }
}

fn change_of(verification: &Verification) -> (Verification, Change) {
    moved(verification, pressed(5_000, at(9)), at(9))
}

/// That a new version was stored, and once.
async fn is_stored_once(store: &Postgres, next: &Verification) {
    assert_eq!(store.find(next.id).await.unwrap().as_ref(), Some(next));
    assert_eq!(store.notifications(next.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn neither_the_feed_nor_other_replicas_miss_what_commits_late() {
    let url = database();
    let store = open(&url).await.unwrap();
    let mut changes = store.changes();
    let early = started(&store, NUMBER).await;
    let seen = store.feed(Some(JournalCursor::default()), 100).await.unwrap();
    assert_eq!(seen.rows.len(), 1);
    let late = store.connections.take().await.unwrap();
    let again = "INSERT INTO journal (at, verification_id, entries) \
                 SELECT at, verification_id, entries FROM journal WHERE entries IS NOT NULL";
    late.batch_execute("SET idle_in_transaction_session_timeout = 0").await.unwrap();
    late.batch_execute(&format!("BEGIN; {again}")).await.unwrap();
    let other = started(&store, NUMBER + 10).await;

    let between = store.feed(Some(seen.end), 100).await.unwrap();
    assert!(between.rows.is_empty(), "it ends before what is under way");
    // What was told so far is of no interest.
    while changes.try_recv().is_ok() {}
    late.batch_execute("COMMIT").await.unwrap();

    let page = store.feed(Some(between.end), 100).await.unwrap();
    let order: Vec<_> = page.rows.iter().map(|row| row.verification.id).collect();
    assert_eq!(order, [early.id, other.id]);
    loop {
        let told = tokio::time::timeout(Duration::from_secs(10), changes.recv());
        match told.await.unwrap().unwrap() {
            Changed::These(these) if these.contains(&(early.id, early.version)) => break,
            Changed::These(_) | Changed::Missed => {}
        }
    }
}

#[tokio::test]
async fn a_release_that_is_too_old_for_the_schema_does_not_start() {
    let url = database();
    open(&url).await.unwrap().close().await;
    let database = server::Server::database(url.expose());
    server::shared().execute(database, "UPDATE oldest_schema SET version = 1000");
    let Err(error) = open(&url).await else { panic!("it is too old") };
    assert!(matches!(error, OpenError::TooOld { oldest: 1000, .. }), "{error:?}");
    assert!(error.to_string().contains("run a newer release"), "{error}");
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_answered_as_what_it_was() {
    let (store, proxy, verification) = behind_a_proxy().await;
    let (next, change) = change_of(&verification);
    proxy.set(Loses::AnswerToCommit);
    let answer = store.change(change).await.unwrap();
    assert!(matches!(answer, Committed::Stored { .. }));
    assert!(proxy.has_lost());
    is_stored_once(&store, &next).await;
}

#[tokio::test]
async fn a_commit_that_never_arrived_left_nothing_behind() {
    let (store, proxy, verification) = behind_a_proxy().await;
    let accepted = || moved(&verification, Event::Accepted { attempt: 0 }, at(1));
    proxy.set(Loses::Commit);
    let answer = store.change(accepted().1).await;
    assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
    assert!(proxy.has_lost());
    assert_eq!(store.find(verification.id).await.unwrap(), Some(verification.clone()));
    let (next, change) = accepted();
    assert!(matches!(store.change(change).await, Ok(Committed::Stored { .. })));
    is_stored_once(&store, &next).await;

    // On a connection that may have ended long ago it is tried again.
    proxy.set(Loses::Commit);
    let (last, change) = change_of(&next);
    assert!(matches!(store.change(change).await, Ok(Committed::Stored { .. })));
    assert!(proxy.has_lost());
    assert_eq!(store.find(last.id).await.unwrap(), Some(last.clone()));
    assert_eq!(store.notifications(last.id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_commit_of_which_nothing_can_be_learned_is_unavailable_and_no_conflict_of_its_own() {
    let (store, proxy, verification) = behind_a_proxy().await;
    let (next, change) = change_of(&verification);
    proxy.set(Loses::AnswerToCommitAndAllElse);
    let asked = Instant::now();
    let answer = store.change(change).await;
    assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());

    proxy.set(Loses::Nothing);
    is_stored_once(&store, &next).await;
    let other = moved(&verification, Event::CancelAsked, at(10)).1;
    assert_eq!(store.change(other).await.unwrap(), Committed::Conflict);
}

#[tokio::test]
async fn a_server_that_never_answers_is_unavailable_until_it_does() {
    let (store, proxy, verification) = behind_a_proxy().await;
    proxy.set(Loses::AllElse);
    let asked_at = Instant::now();
    let change = store.change(change_of(&verification).1);
    let (start, to, claims) = keyed(start(NUMBER + 10, at(1)));
    let (changed, found, new) =
        tokio::join!(change, store.find(verification.id), store.start(start, to, claims, at(1)),);
    assert!(matches!(changed, Err(StoreError::Unavailable { .. })), "{changed:?}");
    assert!(matches!(found, Err(StoreError::Unavailable { .. })), "{found:?}");
    assert!(matches!(new, Err(StoreError::Unavailable { .. })), "{new:?}");
    assert!(asked_at.elapsed() < Duration::from_secs(30), "{:?}", asked_at.elapsed());

    proxy.set(Loses::Nothing);
    let (next, change) = change_of(&verification);
    assert!(matches!(store.change(change).await, Ok(Committed::Stored { .. })));
    is_stored_once(&store, &next).await;
    started(&store, NUMBER + 20).await;
}

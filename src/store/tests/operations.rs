//! What operators read: notifications, replays, the feed, counts.

use super::*;
use crate::domain::{Channel, EntryKind, Outcome};
use crate::store::{
    CountKey, FeedPage, JournalCursor, NotificationPage, NotificationSearch, StatsBy, StatsGroup,
    StatsSearch,
};

const NUMBER: u64 = 380_991_234_567;

contract!(
    notifications_are_listed_newest_first_in_pages,
    notifications_are_found_by_what_is_asked_for,
    a_replay_is_marked_and_belongs_to_its_verification,
    the_feed_tells_each_entry_once_in_order,
    what_is_stored_after_the_last_row_went_is_not_missed,
    counts_are_added_once_and_summed_by_what_is_asked_for,
    a_feed_row_shows_its_verification_as_it_is_now,
);

fn everything() -> NotificationSearch {
    NotificationSearch { limit: 100, ..NotificationSearch::default() }
}

/// The seconds at which the notifications of a page were received.
fn received(page: &NotificationPage) -> Vec<i64> {
    let second = |at: Timestamp| at.duration_since(super::at(0)).as_secs();
    page.notifications.iter().map(|found| second(found.notification.received_at)).collect()
}

async fn notifications_are_listed_newest_first_in_pages() {
    let test = TestStore::open().await;
    for second in 0..5 {
        test.store.journal(notification(None, at(second))).await.unwrap();
        test.started(NUMBER + second.unsigned_abs(), at(second)).await;
    }
    let all = test.store.list_notifications(everything()).await.unwrap();
    assert_eq!((received(&all), all.next), (vec![4, 3, 2, 1, 0], None));
    let first = NotificationSearch { limit: 2, ..everything() };
    let first = test.store.list_notifications(first).await.unwrap();
    assert_eq!(received(&first), [4, 3]);
    let second = NotificationSearch { before: first.next, limit: 3, ..everything() };
    let second = test.store.list_notifications(second).await.unwrap();
    assert_eq!(received(&second), [2, 1, 0]);
}

async fn notifications_are_found_by_what_is_asked_for() {
    let test = TestStore::open().await;
    let verification = test.started(NUMBER, at(0)).await;
    test.happened(&verification, pressed(5_000, at(20)), at(20)).await;
    for (second, account, verdict) in
        [(3_000, "main", "no_match"), (6_000, "other", "no_match"), (9_000, "main", "near_miss")]
    {
        let mut row = notification(None, at(second));
        (row.account, row.verdict) = (name(account), verdict);
        test.store.journal(row).await.unwrap();
    }
    for (search, found) in [
        (
            NotificationSearch { account: Some(name("main")), ..everything() },
            vec![9_000, 3_000, 20],
        ),
        (
            NotificationSearch { verdict: Some("no_match".into()), ..everything() },
            vec![6_000, 3_000],
        ),
        (NotificationSearch { verification: Some(verification.id), ..everything() }, vec![20]),
        (
            NotificationSearch { received_from: Some(at(3_000)), ..everything() },
            vec![9_000, 6_000, 3_000],
        ),
        (NotificationSearch { received_until: Some(at(3_000)), ..everything() }, vec![20]),
        (
            NotificationSearch {
                received_from: Some(at(3_000)),
                received_until: Some(at(6_001)),
                account: Some(name("other")),
                ..everything()
            },
            vec![6_000],
        ),
        (NotificationSearch { verdict: Some("accepted".into()), ..everything() }, vec![]),
    ] {
        let page = test.store.list_notifications(search.clone()).await.unwrap();
        assert_eq!((received(&page), page.next), (found, None), "{search:?}");
    }
}

async fn a_replay_is_marked_and_belongs_to_its_verification() {
    let test = TestStore::open().await;
    let verification = test.started(NUMBER, at(0)).await;
    let next = test.happened(&verification, pressed(5_000, at(20)), at(20)).await;
    let listed = test.store.list_notifications(everything()).await.unwrap();
    let original = listed.notifications[0].notification.sequence;
    let row = notification(Some(verification.id), at(60));
    let replay = test.store.journal_replay(row, original).await.unwrap();

    let found = test.store.notification(replay).await.unwrap().unwrap();
    assert_eq!((found.replay_of, found.verification), (Some(original), Some(verification.id)));
    assert_eq!(test.store.notification(original).await.unwrap().unwrap().replay_of, None);
    assert_eq!(test.store.notifications(verification.id).await.unwrap().len(), 2);
    assert_eq!(test.store.find(verification.id).await.unwrap(), Some(next));
    assert!(test.store.notification(replay + 1).await.unwrap().is_none());
    // A start's row is no notification.
    assert!(test.store.notification(original - 1).await.unwrap().is_none());
}

fn kinds(page: &FeedPage) -> Vec<&'static str> {
    page.rows.iter().flat_map(|row| &row.entries).map(|entry| entry.kind.as_str()).collect()
}

async fn the_feed_tells_each_entry_once_in_order() {
    let test = TestStore::open().await;
    let verification = test.started(NUMBER, at(0)).await;
    let begun = test.store.feed(Some(JournalCursor::default()), 100).await.unwrap();
    assert_eq!(kinds(&begun), ["requested", "call_requested"]);
    let nothing = test.store.feed(Some(begun.end), 100).await.unwrap();
    assert!(nothing.rows.is_empty() && !nothing.more);
    assert_eq!(nothing.end, begun.end);

    test.store.journal(notification(None, at(5))).await.unwrap();
    test.happened(&verification, pressed(5_000, at(20)), at(20)).await;
    let other = test.started(NUMBER + 1, at(30)).await;
    let first = test.store.feed(Some(nothing.end), 1).await.unwrap();
    assert_eq!(kinds(&first), ["key_reported", "concluded"]);
    assert!(first.more);
    let second = test.store.feed(Some(first.end), 100).await.unwrap();
    assert_eq!((second.rows.len(), second.rows[0].verification.id), (1, other.id));
    assert!(!second.more);
    let newest = test.store.feed(None, 2).await.unwrap();
    assert_eq!(kinds(&newest)[..2], ["key_reported", "concluded"]);
    assert_eq!(newest.end, second.end);
}

async fn what_is_stored_after_the_last_row_went_is_not_missed() {
    let test = TestStore::open().await;
    test.store.journal(notification(None, at(0))).await.unwrap();
    let seen = test.store.feed(None, 1).await.unwrap().end;
    let swept = test.store.sweep(at(1) + A_DAY * 3).await.unwrap();
    assert_eq!(swept.notifications, 1);
    test.started(NUMBER, at(0) + A_DAY * 3).await;
    let page = test.store.feed(Some(seen), 10).await.unwrap();
    assert_eq!(kinds(&page), ["requested", "call_requested"]);
    assert!(test.store.list_notifications(everything()).await.unwrap().notifications.is_empty());
}

#[test]
fn a_cursor_is_read_as_it_is_written() {
    let cursor = JournalCursor { major: 7, minor: u64::MAX };
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    for text in ["", ".", "1", "1.", ".1", "1.g", "+1.1", "1.1.1", "1.11111111111111111", "A.1"] {
        assert!(text.parse::<JournalCursor>().is_err(), "{text}");
    }
}

fn count(hour: i64, outcome: Option<Outcome>, step: Option<u8>) -> CountKey {
    let (country, prefix) = ("UA".into(), "38099".into());
    CountKey { hour, app: name("shop"), channel: Channel::Sms, country, prefix, outcome, step }
}

async fn counts_are_added_once_and_summed_by_what_is_asked_for() {
    let test = TestStore::open().await;
    test.started(NUMBER, at(0)).await;
    let from = test.store.counted().await.unwrap();
    assert_eq!(from, JournalCursor::default());
    let to = test.store.feed(None, 1).await.unwrap().end;
    let verified = count(49, Some(Outcome::CodeCorrect), Some(20));
    let counts = vec![
        (count(48, None, None), 5),
        (count(49, None, None), 1),
        (verified.clone(), 3),
        (CountKey { app: name("bank"), step: Some(9), ..verified.clone() }, 2),
        (CountKey { country: "PL".into(), prefix: "48501".into(), ..verified }, 1),
        (count(72, Some(Outcome::Expired), None), 1),
    ];
    assert!(test.store.add_counts(from, to, counts.clone()).await.unwrap());
    assert!(!test.store.add_counts(from, to, counts).await.unwrap());
    assert_eq!(test.store.counted().await.unwrap(), to);

    let search = |by| StatsSearch { from_day: 2, until_day: 3, app: None, by };
    let ended = |number| vec![(Outcome::CodeCorrect, number)];
    let group = |key: &str, started, number, took| StatsGroup {
        key: key.into(),
        started,
        ended: if number > 0 { ended(number) } else { Vec::new() },
        took,
    };
    for (by, groups) in [
        (StatsBy::Channel, vec![group("sms", 6, 6, vec![(9, 2), (20, 4)])]),
        (StatsBy::Day, vec![group("2", 6, 6, vec![(9, 2), (20, 4)])]),
        (StatsBy::Hour, vec![group("48", 5, 0, vec![]), group("49", 1, 6, vec![])]),
        (StatsBy::App, vec![group("bank", 0, 2, vec![(9, 2)]), group("shop", 6, 4, vec![(20, 4)])]),
        (
            StatsBy::Country,
            vec![group("PL", 0, 1, vec![(20, 1)]), group("UA", 6, 5, vec![(9, 2), (20, 3)])],
        ),
        (StatsBy::Prefix, vec![group("38099", 6, 5, vec![]), group("48501", 0, 1, vec![])]),
    ] {
        assert_eq!(test.store.stats(search(by)).await.unwrap(), groups, "{by:?}");
    }
    let bank = StatsSearch { app: Some(name("bank")), ..search(StatsBy::Day) };
    assert_eq!(test.store.stats(bank).await.unwrap(), [group("2", 0, 2, vec![(9, 2)])]);
    let all = StatsSearch { until_day: 4, ..search(StatsBy::Day) };
    assert_eq!(test.store.stats(all).await.unwrap().len(), 2);
    let test = test.reopen().await;
    assert_eq!(test.store.counted().await.unwrap(), to);
}

async fn a_feed_row_shows_its_verification_as_it_is_now() {
    let test = TestStore::open().await;
    let verification = test.started(NUMBER, at(0)).await;
    let next = test.happened(&verification, Event::CancelAsked, at(5)).await;
    let page = test.store.feed(None, 10).await.unwrap();
    assert!(page.rows.iter().all(|row| row.verification == next));
    let last = page.rows.last().unwrap().entries.last().unwrap();
    assert_eq!(last.kind, EntryKind::Concluded { outcome: Outcome::Canceled });
}

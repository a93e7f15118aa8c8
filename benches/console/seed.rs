//! A store as a busy service leaves it, made through the store's own port.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use ringproof::clock::Clock;
use ringproof::domain::{
    Applied, CallResult, Check, Entry, Event, Evidence, KeyReport, Name, PbxTime, PhoneNumber,
    State, Timing, Verification,
};
use ringproof::store::{self, Change, Committed, NotificationRow, ServerKeys, Store};
use ringproof::zadarma::Secret;

use super::calls::{ACCOUNT, APP, Call};

/// Rows of the journal that one verification leaves.
pub const ROWS: u64 = 5;
/// Verifications stored in one transaction, before their changes.
const BATCH: u64 = 10_000;
/// Changes that wait to be written at once, which the writer groups.
const AT_ONCE: usize = 1_000;
/// The days over which they are spread; retention takes those of thirty days ago.
const DAYS: i64 = 28;
/// A number with all zeros of four countries; the last seven digits are the call's own.
const COUNTRIES: [u64; 4] = [380_990_000_000, 4_915_110_000_000, 48_510_000_000, 447_400_000_000];
/// The apps that asked.
const APPS: [&str; 3] = [APP, "shop", "bank"];

/// Fills a store with so many verifications that ended.
pub async fn seed(path: &Path, keys: ServerKeys, verifications: u64) -> Result<()> {
    let store = store::open(store::Settings::at(path.to_owned(), keys)).await;
    let store = store.context("while making the store")?;
    let now = Clock::real().now();
    let began = now - SignedDuration::from_hours(24 * DAYS);
    let apart = (now.as_millisecond() - began.as_millisecond())
        / i64::try_from(verifications.max(1)).context("so many are not stored")?;
    for first in (0..verifications).step_by(usize::try_from(BATCH)?) {
        let indexes = first..(first + BATCH).min(verifications);
        let at = |index: u64| {
            began + SignedDuration::from_millis(apart * i64::try_from(index).unwrap_or(0))
        };
        let rows: Vec<Verification> = indexes.clone().map(|one| asked(one, at(one))).collect();
        store.seed(rows.iter().map(|row| (row.clone(), Vec::new())).collect()).await?;
        let lives = indexes.zip(rows).map(|(index, row)| live(&store, index, row));
        stream::iter(lives).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    }
    store.close().await;
    Ok(())
}

/// What an app asks for, before anything happened.
fn asked(index: u64, at: Timestamp) -> Verification {
    let place = usize::try_from(index % 12).unwrap_or(0);
    let number = COUNTRIES[place % 4] + index * 7_654_321 % 10_000_000;
    Verification {
        app: Name::parse(APPS[place % 3]).expect("the names above are names"),
        to: PhoneNumber::from_u64(number).into(),
        attempts: Vec::new(),
        state: State::Pending,
        version: 1,
        entries: 0,
        ..Call::new(index).verification(at)
    }
}

/// Lets a verification happen: asked, accepted, ringing, answered, and a key or none.
async fn live(store: &Store, index: u64, asked: Verification) -> Result<()> {
    let timing = Timing::default();
    let (began, app_asks) = (asked.created_at, asked.version);
    let (mut verification, entries) = asked.begin(began);
    verification.version = app_asks + 1;
    write(store, &verification, &entries, None).await?;
    let pressed = if index.is_multiple_of(8) { "" } else { "1" };
    for (after, event) in [
        (1, Event::Accepted { attempt: 0 }),
        (3, Event::Ringing { attempt: 0 }),
        (6, Event::Answered { attempt: 0 }),
        (12, Event::KeyReported { attempt: 0, report: report(began, pressed) }),
    ] {
        let at = began + SignedDuration::from_secs(after);
        let is_notified = !matches!(event, Event::Accepted { .. });
        let Applied::Moved { next, entries, .. } = verification.apply(event, at, &timing) else {
            continue;
        };
        let row = is_notified.then(|| notification(index, &next, at));
        write(store, &next, &entries, row).await?;
        verification = *next;
    }
    ensure!(verification.conclusion().is_some(), "verification {index} has not ended");
    Ok(())
}

async fn write(
    store: &Store,
    next: &Verification,
    entries: &[Entry],
    notification: Option<NotificationRow>,
) -> Result<()> {
    let change = Change::new(next, &Timing::default(), entries, notification);
    let committed = store.change(change).await.context("while writing a change")?;
    ensure!(matches!(committed, Committed::Stored { .. }), "{} was changed otherwise", next.id);
    Ok(())
}

fn report(began: Timestamp, pressed: &str) -> KeyReport {
    KeyReport {
        at: began + SignedDuration::from_secs(12),
        result: CallResult::Answered,
        pressed: pressed.into(),
        call_start: PbxTime(began.as_second()),
        evidence: Evidence::from_bits(0).with(Check::Signature),
    }
}

fn notification(index: u64, of: &Verification, at: Timestamp) -> NotificationRow {
    let sent = Call::new(index).notification(&Secret::new("0123456789abcdef0123"), at);
    NotificationRow {
        received_at: at,
        account: Name::parse(ACCOUNT).expect("the name is a name"),
        event: "NOTIFY_END".into(),
        verdict: "accepted",
        verification: Some(of.id),
        number_hash: None,
        masked: Some(format!("{:?}", of.to).into()),
        body: Some(sent.body.into_bytes().into()),
        signature: Some(sent.signature.into_bytes().into()),
    }
}

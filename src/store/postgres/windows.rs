//! What a batch counts: the guard's windows, locked before they are judged and held until
//! the transaction ends, so that a limit is exact over all replicas.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::columns::{Failure, column, unreadable};
use super::connect::Link;
use super::guard::{bars_of, note, put};
use super::known::{all_of, ask};
use crate::domain::Refusal;
use crate::store::guard::{Attempts, Decision, Found, Unheard, Written};
use crate::store::kept::nanoseconds;
use crate::store::record::Unreadable;
use crate::store::{Admission, Bar, GuardKey, Learned};

const UPDATE: &str = "\
    UPDATE guard_windows AS old SET expires_at = coalesce(new.expires_at, old.expires_at), \
    windows = new.windows \
    FROM unnest($1::bytea[], $2::int8[], $3::bytea[]) AS new (key, expires_at, windows) \
    WHERE old.key = new.key";

const INSERT: &str = "\
    INSERT INTO guard_windows (key, expires_at, windows) \
    SELECT * FROM unnest($1::bytea[], $2::int8[], $3::bytea[]) ON CONFLICT DO NOTHING";

/// What the store knows of all that the admissions of a batch look at; each admitted job adds
/// to it, so that the next one sees what that counted.
#[derive(Default)]
pub(super) struct Guarded {
    windows: HashMap<GuardKey, Vec<u8>>,
    bars: HashMap<GuardKey, Bar>,
    /// The rows there are, which are overwritten rather than added.
    old: BTreeSet<GuardKey>,
    written: BTreeMap<GuardKey, Row>,
    blocked: BTreeMap<GuardKey, Bar>,
    noted: Vec<Refusal>,
}

/// A row of windows. Without a time it expires when it did before.
struct Row {
    expires_at: Option<i64>,
    windows: Box<[u8]>,
}

impl Guarded {
    /// Locks the windows, and looks at the bars once nobody is waited for any more.
    pub(super) async fn look_up(
        on: &Link,
        admissions: impl Iterator<Item = &Admission> + Clone,
    ) -> Result<Self, Failure> {
        let counted = admissions.clone().flat_map(|admission| {
            let calling = admission.calling.iter().map(|calling| calling.key);
            let converting = admission.converting.iter().map(|converting| converting.key);
            admission.counts.iter().map(|count| count.key).chain(calling).chain(converting)
        });
        let windows = lock(on, counted.collect()).await?;
        let barred: BTreeSet<GuardKey> = admissions
            .flat_map(|admission| {
                let exemptions = admission.exemptions.iter().copied();
                admission.bars.iter().map(|asked| asked.key).chain(exemptions)
            })
            .collect();
        let bars = bars_of(on, barred.into_iter().collect()).await?;
        let old = windows.keys().copied().collect();
        Ok(Self { windows, old, ..Self::of_bars(bars) })
    }

    /// Bars alone.
    pub(super) fn of_bars(bars: Vec<Bar>) -> Self {
        let bars = bars.into_iter().map(|bar| (bar.key, bar)).collect();
        Self { bars, ..Self::default() }
    }

    /// Judges an admission by what is known.
    pub(super) fn judge(&self, admission: &Admission, now: Timestamp) -> Result<Decision, Failure> {
        let windows = |key| self.windows.get(key).cloned();
        let found = Found {
            bars: admission.bars.iter().map(|asked| self.bars.get(&asked.key).cloned()).collect(),
            windows: admission.counts.iter().map(|count| windows(&count.key)).collect(),
            calls: admission.calling.as_ref().and_then(|calling| windows(&calling.key)),
            attempts: admission.converting.iter().map(|asked| windows(&asked.key)).collect(),
            is_exempt: admission.exemptions.iter().any(|key| self.bars.contains_key(key)),
        };
        admission.decide(&found, now).map_err(no_windows)
    }

    /// Counts what was admitted, for the next jobs of the batch and to be kept.
    pub(super) fn write(&mut self, written: Vec<Written>) {
        for Written { key, windows, expires_at, .. } in written {
            self.windows.insert(key, windows.to_vec());
            let row = Row { expires_at: Some(nanoseconds(expires_at)), windows };
            self.written.insert(key, row);
        }
    }

    /// Keeps what comes of a refusal: what is blocked with it, for the next jobs too, and the
    /// counts.
    pub(super) fn refuse(&mut self, noted: &[Refusal], blocked: &[Bar], written: Vec<Written>) {
        self.write(written);
        for bar in blocked {
            self.bars.insert(bar.key, bar.clone());
            self.blocked.insert(bar.key, bar.clone());
        }
        self.note(noted);
    }

    /// Counts what rules refused, or would have.
    pub(super) fn note(&mut self, refusals: &[Refusal]) {
        self.noted.extend_from_slice(refusals);
    }

    /// Writes the windows, or another replica was first with one.
    pub(super) async fn keep_windows(&self, on: &Link) -> Result<(), Failure> {
        for (sql, is_old) in [(UPDATE, true), (INSERT, false)] {
            let rows = self.written.iter().filter(|(key, _)| self.old.contains(*key) == is_old);
            write(on, sql, rows).await?;
        }
        Ok(())
    }

    /// Writes what is blocked, then what is counted of the rules. Last of all, since every
    /// replica writes these rows.
    pub(super) async fn keep_totals(&self, on: &Link) -> Result<(), Failure> {
        put(on, &self.blocked.values().cloned().collect::<Vec<_>>()).await?;
        note(on, &self.noted).await
    }
}

/// Reads and locks what there is of windows, in the order of their keys.
async fn lock(
    on: &Link,
    wanted: BTreeSet<GuardKey>,
) -> Result<HashMap<GuardKey, Vec<u8>>, Failure> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let keys: Vec<&[u8]> = wanted.iter().map(GuardKey::as_slice).collect();
    let sql = "SELECT key, windows FROM guard_windows WHERE key = ANY ($1::bytea[]) \
               ORDER BY key FOR NO KEY UPDATE";
    let no_key = |_| unreadable("guard_windows", "key", Unreadable("it is no key"));
    let rows = ask(on, sql, &[&keys]).await?;
    rows.iter()
        .map(|row| {
            let key: &[u8] = column(row, "guard_windows", "key")?;
            Ok((key.try_into().map_err(no_key)?, column(row, "guard_windows", "windows")?))
        })
        .collect()
}

async fn write(
    on: &Link,
    sql: &str,
    rows: impl Iterator<Item = (&GuardKey, &Row)>,
) -> Result<(), Failure> {
    let rows: Vec<_> = rows.collect();
    let key: Vec<&[u8]> = rows.iter().map(|(key, _)| key.as_slice()).collect();
    let expires: Vec<_> = rows.iter().map(|(_, row)| row.expires_at).collect();
    let windows: Vec<&[u8]> = rows.iter().map(|(_, row)| &*row.windows).collect();
    all_of(on, sql, rows.len(), &[&key, &expires, &windows]).await
}

/// Keeps what the guard learned from changes that were stored, in their order.
pub(super) async fn learn<'c>(
    on: &Link,
    learned: impl Iterator<Item = &'c Learned> + Clone,
) -> Result<(), Failure> {
    let (mut bars, mut calls) = (BTreeMap::<GuardKey, Bar>::new(), BTreeSet::new());
    for learned in learned.clone() {
        match learned {
            Learned::Bar(bar) => {
                bars.entry(bar.key).and_modify(|first| join(first, bar)).or_insert(bar.clone());
            }
            Learned::Heard(key) | Learned::NotPlaced { key, .. } | Learned::Attempt { key, .. } => {
                calls.insert(*key);
            }
        }
    }
    let known = lock(on, calls).await?;
    let written = heard(&known, learned)?;
    write(on, UPDATE, written.iter()).await?;
    put(on, &bars.into_values().collect::<Vec<_>>()).await
}

/// The rows of calls as they are then. One that was heard of is emptied and left to the sweep:
/// replicas that each count the next call then wait for its row, rather than both add it.
fn heard<'c>(
    known: &HashMap<GuardKey, Vec<u8>>,
    learned: impl Iterator<Item = &'c Learned>,
) -> Result<BTreeMap<GuardKey, Row>, Failure> {
    let mut calls = known.clone();
    for learned in learned {
        match learned {
            Learned::Bar(_) => {}
            Learned::Heard(key) => {
                if let Some(packed) = calls.get_mut(key) {
                    *packed = Unheard::default().pack().into_vec();
                }
            }
            Learned::NotPlaced { key, intent_at } => {
                let Some(packed) = calls.get_mut(key) else { continue };
                let mut unheard = Unheard::read(packed).map_err(no_windows)?;
                if unheard.not_placed(*intent_at) {
                    *packed = unheard.pack().into_vec();
                }
            }
            Learned::Attempt { key, intent_at, came_to } => {
                let Some(packed) = calls.get_mut(key) else { continue };
                let mut attempts = Attempts::read(packed).map_err(no_windows)?;
                if attempts.learn(*intent_at, *came_to) {
                    *packed = attempts.pack().into_vec();
                }
            }
        }
    }
    let row = |windows: Vec<u8>| Row { expires_at: None, windows: windows.into_boxed_slice() };
    let changed = calls.into_iter().filter(|(key, packed)| known.get(key) != Some(packed));
    Ok(changed.map(|(key, packed)| (key, row(packed))).collect())
}

/// Two bars under one key as if the second had been put up after the first.
fn join(first: &mut Bar, second: &Bar) {
    first.reason.clone_from(&second.reason);
    first.until = first.until.zip(second.until).map(|(first, second)| first.max(second));
}

fn no_windows(source: Unreadable) -> Failure {
    unreadable("guard_windows", "windows", source)
}

//! Browsing an app's verifications, or every app's, by what indexes there are.

use jiff::SignedDuration;
use rusqlite::{Connection, ToSql, params_from_iter};

use super::Sqlite;
use super::columns::{Failure, first, id, name, nanoseconds, rows, verification};
use crate::domain::Name;
use crate::store::kept::first_id;
use crate::store::record::{channel_bit, outcome_code, status_code};
use crate::store::{Browse, Browsed, StoreError};

const A_MILLISECOND: SignedDuration = SignedDuration::from_millis(1);

/// Every app that has verifications, found by as many steps in the index.
const APPS: &str = "WITH RECURSIVE apps (app) AS (SELECT min(app) FROM verifications UNION \
     SELECT (SELECT min(app) FROM verifications WHERE app > apps.app) FROM apps \
     WHERE app IS NOT NULL) ";

impl Sqlite {
    pub(in crate::store) async fn browse(
        &self,
        browse: Browse,
        to: Option<i64>,
    ) -> Result<Browsed, StoreError> {
        self.readers.read(move |on| find(on, &browse, to)).await
    }

    pub(in crate::store) async fn app_names(&self) -> Result<Vec<Name>, StoreError> {
        self.readers.read(apps).await
    }
}

fn apps(on: &Connection) -> Result<Vec<Name>, Failure> {
    let sql = format!(
        "{APPS} SELECT app FROM apps WHERE app IS NOT NULL UNION SELECT app FROM keys ORDER BY 1"
    );
    rows(on, &sql, [], |row| name(row, "verifications", "app"))
}

/// Conditions, each with the value that it holds a row against, if it does.
type Conditions = Vec<(&'static str, Option<Box<dyn ToSql>>)>;

fn find(on: &Connection, browse: &Browse, to: Option<i64>) -> Result<Browsed, Failure> {
    // All is asked of one state, so that nothing lies between two pages.
    let _state = on.unchecked_transaction()?;
    let is_located = browse.to.is_some() || browse.reference.is_some();
    let bounds = bounds(browse, to, is_located);
    let wanted = wanted(browse);
    let within = all(&bounds);
    let looked_at: i64 = if is_located { -1 } else { browse.look_at.into() };
    let sql = format!(
        "{APPS} SELECT record FROM (SELECT * FROM verifications WHERE {within} \
         ORDER BY id DESC LIMIT ?) WHERE {} ORDER BY id DESC LIMIT ?",
        all(&wanted),
    );
    let (look_at, limit) = (boxed(looked_at), boxed(browse.limit));
    let values = values(&bounds).chain([&look_at]).chain(values(&wanted)).chain([&limit]);
    let found = rows(on, &sql, params_from_iter(values), verification)?;
    if is_located || found.len() >= usize::from(browse.limit) {
        return Ok(Browsed { verifications: found, looked_until: None });
    }
    let sql =
        format!("SELECT id FROM verifications WHERE {within} ORDER BY id DESC LIMIT 1 OFFSET ?");
    let before_last = boxed(looked_at.saturating_sub(1));
    let values = self::values(&bounds).chain([&before_last]);
    let looked_until =
        first(on, &sql, params_from_iter(values), |row| id(row, "verifications", "id"))?;
    Ok(Browsed { verifications: found, looked_until })
}

/// What indexes find.
fn bounds(browse: &Browse, to: Option<i64>, is_located: bool) -> Conditions {
    let mut given: Conditions = Vec::new();
    match &browse.app {
        Some(app) => given.push(("app = ?", Some(boxed(app.as_str().to_owned())))),
        // The indexes of numbers and references begin with the app.
        None if is_located => given.push(("app IN (SELECT app FROM apps)", None)),
        None => {}
    }
    let mut add = |condition, value: Option<Box<dyn ToSql>>| {
        given.extend(value.map(|value| (condition, Some(value))));
    };
    add("to_number = ?", to.map(boxed));
    add("reference = ?", browse.reference.clone().map(boxed));
    // Ids are in order of time, to the millisecond.
    let until = browse.created_until.and_then(|until| until.checked_add(A_MILLISECOND).ok());
    add("id >= ?", browse.created_from.map(|from| boxed(*first_id(from).as_bytes())));
    add("id < ?", until.map(|until| boxed(*first_id(until).as_bytes())));
    add("id < ?", browse.before.map(|before| boxed(*before.as_bytes())));
    given
}

fn wanted(browse: &Browse) -> Conditions {
    let mut given: Conditions = Vec::new();
    let mut add = |condition, value: Option<Box<dyn ToSql>>| {
        given.extend(value.map(|value| (condition, Some(value))));
    };
    add("status = ?", browse.status.map(status_code).map(boxed));
    add("outcome = ?", browse.outcome.map(outcome_code).map(boxed));
    add("channels & ? != 0", browse.channel.map(channel_bit).map(boxed));
    add("created_at >= ?", browse.created_from.map(nanoseconds).map(boxed));
    add("created_at < ?", browse.created_until.map(nanoseconds).map(boxed));
    given
}

fn all(conditions: &Conditions) -> String {
    let conditions: Vec<&str> = conditions.iter().map(|(condition, _)| *condition).collect();
    if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") }
}

fn values(conditions: &Conditions) -> impl Iterator<Item = &Box<dyn ToSql>> {
    conditions.iter().filter_map(|(_, value)| value.as_ref())
}

fn boxed<T: ToSql + 'static>(value: T) -> Box<dyn ToSql> {
    Box::new(value)
}

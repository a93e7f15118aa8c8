//! Browsing an app's verifications, or every app's, by what indexes there are.

use deadpool_postgres::{Object, Transaction};
use jiff::SignedDuration;
use tokio_postgres::IsolationLevel;

use super::columns::{Failure, id, name, uuid, verification};
use super::question::Question;
use super::{Postgres, ask};
use crate::domain::Name;
use crate::store::kept::{first_id, nanoseconds};
use crate::store::record::{channel_bit, outcome_code, status_code};
use crate::store::{Browse, Browsed, StoreError};

/// How exactly an id tells its time.
const A_MILLISECOND: SignedDuration = SignedDuration::from_millis(1);

/// Every app that has verifications, found by as many steps in the index.
const APPS: &str = "WITH RECURSIVE apps (app) AS (SELECT min(app) FROM verifications UNION \
     SELECT (SELECT min(app) FROM verifications WHERE app > apps.app) FROM apps \
     WHERE app IS NOT NULL) ";

impl Postgres {
    pub(in crate::store) async fn browse(
        &self,
        browse: Browse,
        to: Option<i64>,
    ) -> Result<Browsed, StoreError> {
        ask!(self, on => find(on, &browse, to))
    }

    pub(in crate::store) async fn app_names(&self) -> Result<Vec<Name>, StoreError> {
        ask!(self, on => apps(on))
    }
}

async fn apps(on: &Object) -> Result<Vec<Name>, Failure> {
    let sql = format!(
        "{APPS} SELECT app FROM apps WHERE app IS NOT NULL UNION SELECT app FROM keys ORDER BY 1"
    );
    let rows = on.query(&on.prepare_cached(&sql).await?, &[]).await?;
    rows.iter().map(|row| name(row, "verifications", "app")).collect()
}

async fn find(on: &mut Object, browse: &Browse, to: Option<i64>) -> Result<Browsed, Failure> {
    // All is asked of one state, so that nothing lies between two pages.
    let state = on.build_transaction().read_only(true);
    let state = state.isolation_level(IsolationLevel::RepeatableRead).start().await?;
    let browsed = look(&state, browse, to).await?;
    state.commit().await?;
    Ok(browsed)
}

async fn look(on: &Transaction<'_>, browse: &Browse, to: Option<i64>) -> Result<Browsed, Failure> {
    let is_located = browse.to.is_some() || browse.reference.is_some();
    // Nothing bounds what number and reference locate.
    let look_at = (!is_located).then(|| i64::from(browse.look_at));
    let beginning = format!("{APPS} SELECT record FROM (SELECT * FROM verifications WHERE true");
    let mut question = Question::empty(&beginning);
    bound(&mut question, browse, to, is_located);
    question.push(" ORDER BY id DESC LIMIT ?) AS looked_at WHERE true", Box::new(look_at));
    question.and("status = ?", browse.status.map(|status| i16::from(status_code(status))));
    question.and("outcome = ?", browse.outcome.map(|outcome| i16::from(outcome_code(outcome))));
    let channel = browse.channel.map(|channel| i32::from(channel_bit(channel)));
    question.and("channels & ? != 0", channel);
    question.and("created_at >= ?", browse.created_from.map(nanoseconds));
    question.and("created_at < ?", browse.created_until.map(nanoseconds));
    question.push(" ORDER BY id DESC LIMIT ?", Box::new(i64::from(browse.limit)));
    let rows = question.ask(on).await?;
    let verifications = rows.iter().map(verification).collect::<Result<Vec<_>, _>>()?;
    if is_located || verifications.len() >= usize::from(browse.limit) {
        return Ok(Browsed { verifications, looked_until: None });
    }
    let beginning = format!("{APPS} SELECT id FROM verifications WHERE true");
    let mut question = Question::empty(&beginning);
    bound(&mut question, browse, to, is_located);
    let before_last = i64::from(browse.look_at).saturating_sub(1);
    question.push(" ORDER BY id DESC LIMIT 1 OFFSET ?", Box::new(before_last));
    let rows = question.ask(on).await?;
    let looked_until = rows.first().map(|row| id(row, "verifications", "id")).transpose()?;
    Ok(Browsed { verifications, looked_until })
}

/// What indexes find.
fn bound(question: &mut Question, browse: &Browse, to: Option<i64>, is_located: bool) {
    match &browse.app {
        Some(app) => question.and("app = ?", Some(app.as_str().to_owned())),
        // The indexes of numbers and references begin with the app.
        None if is_located => question.add(" AND app IN (SELECT app FROM apps)"),
        None => {}
    }
    question.and("to_number = ?", to);
    let reference = browse.reference.as_ref().map(|reference| reference.as_bytes().to_vec());
    question.and("reference = ?", reference);
    // Ids are in order of time, to the millisecond.
    let until = browse.created_until.and_then(|until| until.checked_add(A_MILLISECOND).ok());
    question.and("id >= ?", browse.created_from.map(|from| uuid(first_id(from))));
    question.and("id < ?", until.map(|until| uuid(first_id(until))));
    question.and("id < ?", browse.before.map(uuid));
}

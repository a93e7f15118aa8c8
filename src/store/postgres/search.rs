//! Search: the filters that are given become conditions.

use deadpool_postgres::Object;
use jiff::SignedDuration;
use tokio_postgres::types::ToSql;

use super::columns::{Failure, uuid, verification};
use crate::domain::Verification;
use crate::store::Search;
use crate::store::kept::{first_id, nanoseconds, recipient};
use crate::store::record::{channel_bit, outcome_code, status_code};

/// How exactly an id tells its time.
pub(super) const A_MILLISECOND: SignedDuration = SignedDuration::from_millis(1);

/// A value of a condition.
pub(super) type Given = Box<dyn ToSql + Sync + Send>;

/// A question that grows by its conditions.
pub(super) struct Question {
    sql: String,
    values: Vec<Given>,
}

impl Question {
    /// `beginning` may end with a condition.
    pub(super) fn empty(beginning: &str) -> Self {
        Self { sql: beginning.to_owned(), values: Vec::new() }
    }

    /// `beginning` ends where a condition begins.
    pub(super) fn new(beginning: &str, condition: &str, value: Given) -> Self {
        let mut question = Self::empty(beginning);
        question.push(condition, value);
        question
    }

    /// Adds a condition, if there is a value for it.
    pub(super) fn and<T: ToSql + Sync + Send + 'static>(
        &mut self,
        condition: &str,
        value: Option<T>,
    ) {
        if let Some(value) = value {
            self.sql.push_str(" AND ");
            self.push(condition, Box::new(value));
        }
    }

    /// Adds text without a value.
    pub(super) fn add(&mut self, text: &str) {
        self.sql.push_str(text);
    }

    /// Adds what `?` stands for in `text`.
    pub(super) fn push(&mut self, text: &str, value: Given) {
        self.values.push(value);
        self.sql.push_str(&text.replace('?', &format!("${}", self.values.len())));
    }

    pub(super) async fn ask(self, on: &Object) -> Result<Vec<tokio_postgres::Row>, Failure> {
        let statement = on.prepare_cached(&self.sql).await?;
        let values: Vec<&(dyn ToSql + Sync)> =
            self.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
        Ok(on.query(&statement, &values).await?)
    }
}

pub(super) async fn search(on: &Object, search: &Search) -> Result<Vec<Verification>, Failure> {
    let app = Box::new(search.app.as_str().to_owned());
    let mut question = Question::new("SELECT record FROM verifications WHERE ", "app = ?", app);
    question.and("to_number = ?", search.to.as_ref().map(recipient));
    let reference = search.reference.as_ref().map(|reference| reference.as_bytes().to_vec());
    question.and("reference = ?", reference);
    question.and("status = ?", search.status.map(|status| i16::from(status_code(status))));
    question.and("outcome = ?", search.outcome.map(|outcome| i16::from(outcome_code(outcome))));
    let channel = search.channel.map(|channel| i32::from(channel_bit(channel)));
    question.and("channels & ? != 0", channel);
    question.and("created_at >= ?", search.created_from.map(nanoseconds));
    question.and("created_at < ?", search.created_until.map(nanoseconds));
    // Ids are in order of time, to the millisecond, and have indexes.
    let until = search.created_until.and_then(|until| until.checked_add(A_MILLISECOND).ok());
    question.and("id >= ?", search.created_from.map(|from| uuid(first_id(from))));
    question.and("id < ?", until.map(|until| uuid(first_id(until))));
    question.and("id < ?", search.before.map(uuid));
    question.push(" ORDER BY id DESC LIMIT ?", Box::new(i64::from(search.limit)));
    question.ask(on).await?.iter().map(verification).collect()
}

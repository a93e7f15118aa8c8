//! Questions that grow: the filters that are given become conditions.

use deadpool_postgres::GenericClient;
use tokio_postgres::types::ToSql;

use super::columns::Failure;

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

    pub(super) async fn ask(
        self,
        on: &impl GenericClient,
    ) -> Result<Vec<tokio_postgres::Row>, Failure> {
        let statement = on.prepare_cached(&self.sql).await?;
        let values: Vec<&(dyn ToSql + Sync)> =
            self.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
        Ok(on.query(&statement, &values).await?)
    }
}

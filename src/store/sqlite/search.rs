//! Search: the filters that are given become conditions.

use rusqlite::{Connection, ToSql, params_from_iter};

use super::columns::{Failure, nanoseconds, rows, verification};
use crate::domain::Verification;
use crate::store::Search;
use crate::store::kept::recipient;
use crate::store::record::{channel_bit, outcome_code, status_code};

pub(super) fn search(on: &Connection, search: &Search) -> Result<Vec<Verification>, Failure> {
    let mut sql = "SELECT record FROM verifications WHERE app = ?".to_owned();
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(search.app.as_str().to_owned())];
    for (condition, value) in conditions(search) {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.push(value);
    }
    sql.push_str(" ORDER BY id DESC LIMIT ?");
    values.push(Box::new(search.limit));
    rows(on, &sql, params_from_iter(values), verification)
}

fn conditions(search: &Search) -> Vec<(&'static str, Box<dyn ToSql>)> {
    let mut given: Vec<(&'static str, Box<dyn ToSql>)> = Vec::new();
    let mut add = |condition, value: Option<Box<dyn ToSql>>| {
        given.extend(value.map(|value| (condition, value)));
    };
    add("to_number = ?", search.to.as_ref().map(recipient).map(boxed));
    add("reference = ?", search.reference.clone().map(boxed));
    add("status = ?", search.status.map(status_code).map(boxed));
    add("outcome = ?", search.outcome.map(outcome_code).map(boxed));
    add("channels & ? != 0", search.channel.map(channel_bit).map(boxed));
    add("created_at >= ?", search.created_from.map(nanoseconds).map(boxed));
    add("created_at < ?", search.created_until.map(nanoseconds).map(boxed));
    add("id < ?", search.before.map(|id| boxed(*id.as_bytes())));
    given
}

fn boxed<T: ToSql + 'static>(value: T) -> Box<dyn ToSql> {
    Box::new(value)
}

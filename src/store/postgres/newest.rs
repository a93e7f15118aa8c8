//! Versions by id and by claim, which every notification and every check of a code asks for.

use deadpool_postgres::Object;
use tokio_postgres::Row;

use super::columns::{Failure, claim, column, uuid, verification as read};
use super::gather::Question;
use crate::domain::{Verification, VerificationId};
use crate::store::look_ups::KeyedClaim;

/// Versions by their ids. LIMIT keeps the server from joining the tables as wholes, which it
/// takes to be cheaper than it is.
const VERSIONS: &str = "\
    SELECT asked.place, found.record FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, place) \
    CROSS JOIN LATERAL (SELECT record FROM verifications \
    WHERE verifications.id = asked.id LIMIT 1) AS found ORDER BY asked.place";

/// What claims are held by, with all that those claim. OFFSET is there as LIMIT is.
const HOLDERS: &str = "\
    SELECT asked.place, found.record, held.account, held.form \
    FROM unnest($1::text[], $2::int8[]) WITH ORDINALITY AS asked (account, form, place) \
    CROSS JOIN LATERAL (SELECT verification_id FROM claims \
    WHERE claims.account = asked.account AND claims.form = asked.form LIMIT 1) AS named \
    CROSS JOIN LATERAL (SELECT record FROM verifications \
    WHERE verifications.id = named.verification_id LIMIT 1) AS found \
    CROSS JOIN LATERAL (SELECT account, form FROM claims \
    WHERE claims.verification_id = named.verification_id OFFSET 0) AS held \
    ORDER BY asked.place";

impl Question for VerificationId {
    type Answer = Option<Verification>;

    async fn ask(on: &Object, ids: &[Self]) -> Result<Vec<Result<Self::Answer, Failure>>, Failure> {
        let wanted: Vec<_> = ids.iter().map(|id| uuid(*id)).collect();
        let rows = on.query(&on.prepare_cached(VERSIONS).await?, &[&wanted]).await?;
        in_order(ids.len(), &rows, |of_one| read(&of_one[0]))
    }
}

impl Question for KeyedClaim {
    /// The verification that a claim names, with all that it claims.
    type Answer = Option<(Verification, Vec<KeyedClaim>)>;

    async fn ask(
        on: &Object,
        claims: &[Self],
    ) -> Result<Vec<Result<Self::Answer, Failure>>, Failure> {
        let accounts: Vec<&str> = claims.iter().map(|claim| claim.account.as_str()).collect();
        let forms: Vec<i64> = claims.iter().map(|claim| claim.form).collect();
        let rows = on.query(&on.prepare_cached(HOLDERS).await?, &[&accounts, &forms]).await?;
        in_order(claims.len(), &rows, |of_one| {
            Ok((read(&of_one[0])?, of_one.iter().map(claim).collect::<Result<_, _>>()?))
        })
    }
}

/// What was found at each place; there nothing where no row is.
fn in_order<T>(
    asked: usize,
    rows: &[Row],
    read: impl Fn(&[Row]) -> Result<T, Failure>,
) -> Result<Vec<Result<Option<T>, Failure>>, Failure> {
    let mut all: Vec<_> = (0..asked).map(|_| Ok(None)).collect();
    for of_one in rows.chunk_by(|a, b| place(a).ok() == place(b).ok()) {
        let place = usize::try_from(place(&of_one[0])?).unwrap_or(usize::MAX);
        if let Some(found) = all.get_mut(place.wrapping_sub(1)) {
            *found = read(of_one).map(Some);
        }
    }
    Ok(all)
}

/// Which of those asked for a row is of, from 1.
fn place(row: &Row) -> Result<i64, Failure> {
    column(row, "verifications", "place")
}

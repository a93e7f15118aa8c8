//! Lines of requests that replicas share.

use deadpool_postgres::Object;
use jiff::{SignedDuration, Timestamp};

use super::columns::{Failure, column, unreadable};
use crate::domain::{LINE_WINDOW, earliest_place};
use crate::store::kept::nanoseconds;
use crate::store::record::Unreadable;

/// Takes a place; the instant that would be the earliest if that is too late.
pub(super) async fn take(
    on: &mut Object,
    line: &str,
    from: Timestamp,
    latest: Timestamp,
    limit: usize,
) -> Result<Result<Timestamp, Timestamp>, Failure> {
    let on = on.transaction().await?;
    // Makes the row if there is none, and locks it.
    let sql = "INSERT INTO lines (name, places) VALUES ($1, '{}') \
               ON CONFLICT (name) DO UPDATE SET places = lines.places RETURNING places";
    let row = on.query_one(&on.prepare_cached(sql).await?, &[&line]).await?;
    let mut places = read(column(&row, "lines", "places")?)?;
    // Another replica may ask for a place from an earlier instant on, but for none that is
    // earlier by more than the wait that is allowed.
    let allowed = latest.duration_since(from).max(SignedDuration::ZERO);
    let oldest = from.checked_sub(LINE_WINDOW + allowed).unwrap_or(Timestamp::MIN);
    places.retain(|place| *place > oldest);
    let place = earliest_place(&places, from, limit);
    if place > latest {
        return Ok(Err(place));
    }
    let after = places.partition_point(|known| *known <= place);
    places.insert(after, place);
    let places: Vec<i64> = places.into_iter().map(nanoseconds).collect();
    let sql = "UPDATE lines SET places = $2 WHERE name = $1";
    on.execute(&on.prepare_cached(sql).await?, &[&line, &places]).await?;
    on.commit().await?;
    Ok(Ok(place))
}

fn read(places: Vec<i64>) -> Result<Vec<Timestamp>, Failure> {
    let read = |place: i64| {
        Timestamp::from_nanosecond(i128::from(place))
            .map_err(|_| unreadable("lines", "places", Unreadable("it is no time")))
    };
    places.into_iter().map(read).collect()
}

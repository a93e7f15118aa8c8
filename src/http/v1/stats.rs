//! `GET /v1/stats`: how verifications ended, and how long they took.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::{Name, Outcome};
use crate::service::{StatsBy, StatsLine, StatsWanted};

use super::super::access::{Holder, ToOperate};
use super::super::answer;
use super::super::error::Code;
use super::super::problem::Problem;
use super::super::read::Query;
use super::super::state::State;
use super::search::{parsed, word, wrong};
use super::words;

/// The days that are counted unless the request says.
const DEFAULT_SPAN: SignedDuration = SignedDuration::from_hours(24 * 6);

/// What can be wrong with statistics.
pub const PROBLEMS: &[Code] = &[
    Code::InvalidParameter,
    Code::UnknownParameter,
    Code::Unauthorized,
    Code::MissingScope,
    Code::Internal,
    Code::StoreUnavailable,
];

/// What to count.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatsQuery {
    /// The first day on which they were started, UTC. Default: six days before the last one.
    #[param(format = Date)]
    from: Option<String>,
    /// The last day on which they were started, UTC. Default: today.
    #[param(format = Date)]
    until: Option<String>,
    /// Only verifications of this app.
    app: Option<String>,
    /// By what they are told apart. Default: `day`.
    #[param(schema_with = words::stats_by)]
    by: Option<String>,
}

/// Statistics of the verifications that were started in a span of days. Tests do not count.
#[derive(Serialize, ToSchema)]
pub struct StatsAnswer {
    /// The first day, UTC.
    #[schema(format = Date)]
    from: String,
    /// The last day, UTC.
    #[schema(format = Date)]
    until: String,
    /// By what they are told apart.
    #[schema(schema_with = words::stats_by)]
    by: &'static str,
    /// All of them.
    total: StatsView,
    /// Told apart, in the order of their keys; of more than 500 the largest ones.
    groups: Vec<StatsView>,
}

/// One line of statistics.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsLine)]
pub struct StatsView {
    /// The app, the channel that was tried last (of a start the first one), the country, the
    /// first five digits of the number, the day, or the beginning of the hour; `-` for the
    /// country and digits of an e-mail address. Empty in the total.
    key: String,
    /// How many were started.
    started: u64,
    /// How many ended; those that were started and did not are pending, unless the plan went
    /// on to another channel.
    ended: u64,
    /// How many ended verified.
    verified: u64,
    /// Verified of those that ended, from 0 to 1; null when none ended.
    conversion: Option<f64>,
    /// How many ended with which outcome; those with none are left out.
    outcomes: Vec<OutcomeCount>,
    /// How long the verified ones took at most: half of them. In milliseconds, known to
    /// about a twentieth; null by prefix, by hour, and when none was verified.
    answered_p50_ms: Option<i64>,
    /// The same of all but a twentieth.
    answered_p95_ms: Option<i64>,
}

/// How many ended in one way.
#[derive(Serialize, ToSchema)]
pub struct OutcomeCount {
    /// The way.
    #[schema(schema_with = words::outcome)]
    outcome: &'static str,
    /// How many.
    count: u64,
}

impl OutcomeCount {
    fn new((outcome, count): &(Outcome, u64)) -> Self {
        Self { outcome: outcome.as_str(), count: *count }
    }
}

impl StatsView {
    fn new(line: &StatsLine) -> Self {
        let (ended, verified) = (line.concluded(), line.verified());
        Self {
            key: line.key.clone(),
            started: line.started,
            ended,
            verified,
            #[expect(clippy::cast_precision_loss, reason = "a share needs no exact counts")]
            conversion: (ended > 0).then(|| verified as f64 / ended as f64),
            outcomes: line.ended.iter().map(OutcomeCount::new).collect(),
            answered_p50_ms: line.took.map(|took| took.p50.as_millis() as i64),
            answered_p95_ms: line.took.map(|took| took.p95.as_millis() as i64),
        }
    }
}

/// How verifications ended, and how long people took, told apart by one thing.
#[utoipa::path(
    operation_id = "stats",
    tag = "operations",
    params(StatsQuery),
    responses((status = 200, description = "The statistics", body = StatsAnswer)),
    security(("key" = ["operate"])),
)]
#[get("/v1/stats")]
pub async fn stats(
    _holder: Holder<ToOperate>,
    state: Data<State>,
    query: Query<StatsQuery>,
) -> Result<HttpResponse, Problem> {
    let wanted = wanted(query.0, state.service.clock().now())?;
    let (from, until, by) = (day(wanted.from), day(wanted.until), wanted.by.as_str());
    let stats = state.service.stats(wanted).await.map_err(|error| Problem::store(&error))?;
    let answer = StatsAnswer {
        from,
        until,
        by,
        total: StatsView::new(&stats.total),
        groups: stats.groups.iter().map(StatsView::new).collect(),
    };
    Ok(answer::json(StatusCode::OK, &answer))
}

fn wanted(query: StatsQuery, now: Timestamp) -> Result<StatsWanted, Problem> {
    let until = date("until", query.until)?.unwrap_or(now);
    let before = until.checked_sub(DEFAULT_SPAN).unwrap_or(Timestamp::MIN);
    let from = date("from", query.from)?.unwrap_or(before);
    if day(from) > day(until) {
        return Err(wrong("from", "is not after \"until\""));
    }
    let app = query.app.map(|text| Name::parse(&text)).transpose();
    let by = word("by", query.by, StatsBy::ALL, StatsBy::as_str)?.unwrap_or(StatsBy::Day);
    Ok(StatsWanted {
        from,
        until,
        app: app.map_err(|_| wrong("app", "is the name of an app"))?,
        by,
    })
}

fn date(parameter: &str, text: Option<String>) -> Result<Option<Timestamp>, Problem> {
    let date: Option<Date> = parsed(parameter, text, "is a day as in 2026-01-31")?;
    let start = date.map(|date| date.to_zoned(jiff::tz::TimeZone::UTC)).transpose();
    start
        .map(|start| start.map(|start| start.timestamp()))
        .map_err(|_| wrong(parameter, "is too far away"))
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

//! `GET /v1/guard`: the rules, and what they refused or would have.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::service::{RuleShown, RuleTotal, SpentToday};

use super::super::super::access::{Holder, ToOperate};
use super::super::super::answer;
use super::super::super::error::Code;
use super::super::super::problem::Problem;
use super::super::super::state::State;
use super::super::words;

/// What can be wrong with showing the guard.
pub const PROBLEMS: &[Code] =
    &[Code::Unauthorized, Code::MissingScope, Code::Internal, Code::StoreUnavailable];

/// The rules, and what they did.
#[derive(Serialize, ToSchema)]
#[schema(as = Guard)]
pub struct GuardView {
    /// Each rule of the configuration that is not off and has something to say.
    rules: Vec<RuleView>,
    /// What each refused, or would have, since counting began.
    totals: Vec<TotalView>,
    /// The accounts whose button calls bring no notifications, as seen a few seconds ago.
    degraded: Vec<String>,
    /// What each app with a budget has spent on this day of UTC, the most first.
    spent_today: Vec<SpentView>,
}

/// What an app has spent on this day: an estimate, by the prices known before each attempt.
#[derive(Serialize, ToSchema)]
#[schema(as = GuardSpent)]
pub struct SpentView {
    /// The app.
    app: String,
    /// Whether the budget is the app's own, not all apps'.
    own: bool,
    /// How strictly the budget holds.
    #[schema(schema_with = words::mode)]
    mode: String,
    /// What is spent: an amount and the budget's currency.
    spent: String,
    /// What may be spent in the day.
    budget: String,
}

/// A rule as configured.
#[derive(Serialize, ToSchema)]
#[schema(as = GuardRule)]
pub struct RuleView {
    /// The rule.
    #[schema(schema_with = words::rule)]
    rule: String,
    /// The app whose own it is; null for all apps'.
    app: Option<String>,
    /// `shadow` or `enforce`.
    #[schema(schema_with = words::mode)]
    mode: String,
    /// Its limits, if it counts.
    limits: Vec<LimitView>,
    /// Its amount and currency, if it is about money: of an attempt, of a day of UTC, or what must be left.
    money: Option<String>,
    /// When it blocks a prefix, if it is `conversion`.
    conversion: Option<ConversionView>,
}

/// When a prefix is blocked by a channel. Spans are in seconds.
#[derive(Serialize, ToSchema)]
#[schema(as = GuardConversion)]
pub struct ConversionView {
    /// Below so many proved of a hundred attempts.
    min_percent: u8,
    /// Once there were so many.
    min_volume: u32,
    /// In how long.
    window: i64,
    /// From which age on an attempt counts.
    settle: i64,
    /// For how long.
    block_for: i64,
}

/// At most so many in so many seconds.
#[derive(Serialize, ToSchema)]
#[schema(as = GuardLimit)]
pub struct LimitView {
    /// How many.
    max: u64,
    /// In how many seconds.
    per: i64,
}

/// How often a rule said no.
#[derive(Serialize, ToSchema)]
#[schema(as = GuardTotal)]
pub struct TotalView {
    /// The rule.
    #[schema(schema_with = words::rule)]
    rule: String,
    /// `enforce` for what was refused, `shadow` for what would have been.
    #[schema(schema_with = words::mode)]
    mode: String,
    /// How often.
    total: u64,
}

/// Shows the rules of the configuration, and what each refused or, in shadow, would have.
#[utoipa::path(
    operation_id = "show_guard",
    tag = "guard",
    responses((status = 200, description = "Rules and totals", body = GuardView)),
    security(("key" = ["operate"])),
)]
#[get("/v1/guard")]
pub async fn show_guard(
    _holder: Holder<ToOperate>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let totals = state.service.rule_totals().await.map_err(|error| Problem::store(&error))?;
    let rules = state.service.rules_shown().iter().map(RuleView::new).collect();
    let totals = totals.iter().map(TotalView::new).collect();
    let degraded = state.service.degraded_accounts().iter().map(ToString::to_string).collect();
    let spent = state.service.spent_today().await.map_err(|error| Problem::store(&error))?;
    let spent_today = spent.iter().map(SpentView::new).collect();
    Ok(answer::json(StatusCode::OK, &GuardView { rules, totals, degraded, spent_today }))
}

impl SpentView {
    fn new(spent: &SpentToday) -> Self {
        Self {
            app: spent.app.to_string(),
            own: spent.is_own,
            mode: spent.mode.as_str().to_owned(),
            spent: spent.spent.to_string(),
            budget: spent.budget.to_string(),
        }
    }
}

impl RuleView {
    fn new(shown: &RuleShown) -> Self {
        let limits = shown.limits.iter();
        Self {
            rule: shown.rule.as_str().to_owned(),
            app: shown.app.as_ref().map(ToString::to_string),
            mode: shown.mode.as_str().to_owned(),
            limits: limits
                .map(|limit| LimitView { max: limit.max, per: limit.per.as_secs() })
                .collect(),
            money: shown.money.map(|money| money.to_string()),
            conversion: shown.conversion.map(|conversion| ConversionView {
                min_percent: conversion.min_percent,
                min_volume: conversion.min_volume,
                window: conversion.window.as_secs(),
                settle: conversion.settle.as_secs(),
                block_for: conversion.block_for.as_secs(),
            }),
        }
    }
}

impl TotalView {
    fn new(total: &RuleTotal) -> Self {
        Self {
            rule: total.rule.as_str().to_owned(),
            mode: total.mode.as_str().to_owned(),
            total: total.total,
        }
    }
}

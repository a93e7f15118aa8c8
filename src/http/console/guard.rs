//! The guard: what is stopped, what its rules refused or would have, whom they have
//! blocked, and who is not to be reached.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use maud::{Markup, html};
use serde::Deserialize;

use crate::domain::{Channel, Conversion, Mode, Money, Name, Rule};
use crate::service::{Bar, GuardKey, RuleShown, RuleTotal, Suppression, Switch, to_the_end};

use super::super::state::State;
use super::elements::{badge, channel, dash, hidden_token, instant, or_dash, plain, span};
use super::exemptions;
use super::filter::recipient;
use super::form::Posted;
use super::operator::Operator;
use super::page::{self, Section};
use super::refused::Refused;

const TITLE: &str = "Guard";
pub(super) const HOME: &str = "/console/guard";
/// The longest reason, in bytes, as of the API.
const LONGEST_REASON: usize = 256;

/// Which page of the suppressions.
#[derive(Deserialize)]
pub struct Wanted {
    cursor: Option<String>,
}

/// Everything that the guard holds and did.
pub async fn page(
    operator: Operator,
    state: Data<State>,
    wanted: Query<Wanted>,
) -> Result<HttpResponse, Refused> {
    let after = wanted.cursor.as_deref().map(key_of).transpose()?;
    show(&operator, &state, StatusCode::OK, after, None).await
}

/// Stops starts of everything, of an app, of a channel.
pub async fn stop(state: Data<State>, posted: Posted) -> Result<HttpResponse, Refused> {
    let (switch, reason) = match switch(&posted).and_then(|switch| Ok((switch, reason(&posted)?))) {
        Ok(wanted) => wanted,
        Err(why) => return wrong(&posted, &state, &why).await,
    };
    let (service, by) = (state.service.clone(), posted.operator.actor());
    let work = async move { service.stop_starts(switch, reason, &by).await };
    to_the_end(state.service.background(), work).await?;
    Ok(page::see_other(HOME))
}

/// Lets starts be again.
pub async fn resume(state: Data<State>, posted: Posted) -> Result<HttpResponse, Refused> {
    let switch = match switch(&posted) {
        Ok(switch) => switch,
        Err(why) => return wrong(&posted, &state, &why).await,
    };
    let (service, by) = (state.service.clone(), posted.operator.actor());
    let work = async move { service.resume_starts(&switch, &by).await };
    to_the_end(state.service.background(), work).await?;
    Ok(page::see_other(HOME))
}

/// Lifts what a rule has blocked.
pub async fn lift(
    state: Data<State>,
    id: Path<String>,
    posted: Posted,
) -> Result<HttpResponse, Refused> {
    let (id, service, by) = (key_of(&id)?, state.service.clone(), posted.operator.actor());
    let work = async move { service.lift_block(id, &by).await };
    gone_or_never_there(to_the_end(state.service.background(), work).await?)
}

/// Keeps a number or an address from being reached.
pub async fn suppress(state: Data<State>, posted: Posted) -> Result<HttpResponse, Refused> {
    let suppression = match suppression(&posted) {
        Ok(suppression) => suppression,
        Err(why) => return wrong(&posted, &state, &why).await,
    };
    let (service, by) = (state.service.clone(), posted.operator.actor());
    let work = async move { service.suppress(suppression, &by).await };
    to_the_end(state.service.background(), work).await?;
    Ok(page::see_other(HOME))
}

/// Lets somebody be reached again.
pub async fn unsuppress(
    state: Data<State>,
    id: Path<String>,
    posted: Posted,
) -> Result<HttpResponse, Refused> {
    let (id, service, by) = (key_of(&id)?, state.service.clone(), posted.operator.actor());
    let work = async move { service.unsuppress(id, &by).await };
    gone_or_never_there(to_the_end(state.service.background(), work).await?)
}

pub(super) fn gone_or_never_there(is_gone: bool) -> Result<HttpResponse, Refused> {
    if is_gone { Ok(page::see_other(HOME)) } else { Err(no_such_bar()) }
}

fn no_such_bar() -> Refused {
    Refused::not_found(
        "Nothing with this id stands any more; the page of the guard lists what does.",
    )
}

pub(super) fn key_of(text: &str) -> Result<GuardKey, Refused> {
    let mut key = GuardKey::default();
    const_hex::decode_to_slice(text, &mut key).map_err(|_| no_such_bar())?;
    Ok(key)
}

fn switch(posted: &Posted) -> Result<Switch, String> {
    let of = posted.field("channel").unwrap_or_default();
    let channel = (!of.is_empty()).then(|| Channel::parse(of).ok_or("There is no such channel."));
    Ok(Switch { app: app(posted)?, channel: channel.transpose()? })
}

fn suppression(posted: &Posted) -> Result<Suppression, String> {
    let to = recipient(posted.field("to").unwrap_or_default().trim())?;
    Ok(Suppression { to, app: app(posted)?, reason: reason(posted)? })
}

fn app(posted: &Posted) -> Result<Option<Name>, String> {
    let app = posted.field("app").unwrap_or_default().trim();
    let wrong = "The app's name has 1 to 64 characters of a-z, 0-9, \"-\" and \"_\".";
    (!app.is_empty()).then(|| Name::parse(app).map_err(|_| wrong.to_owned())).transpose()
}

pub(super) fn reason(posted: &Posted) -> Result<Option<Box<str>>, String> {
    let reason = posted.field("reason").unwrap_or_default().trim();
    if reason.len() > LONGEST_REASON {
        return Err(format!("The reason has at most {LONGEST_REASON} bytes."));
    }
    Ok((!reason.is_empty()).then(|| reason.into()))
}

pub(super) async fn wrong(
    posted: &Posted,
    state: &State,
    why: &str,
) -> Result<HttpResponse, Refused> {
    show(&posted.operator, state, StatusCode::UNPROCESSABLE_ENTITY, None, Some(why)).await
}

async fn show(
    operator: &Operator,
    state: &State,
    status: StatusCode,
    after: Option<GuardKey>,
    wrong: Option<&str>,
) -> Result<HttpResponse, Refused> {
    let service = &state.service;
    let (stopped, blocks) = (service.stopped().await?, service.blocks().await?);
    let exempt = service.exemptions().await?;
    let suppressed = service.suppressions(after).await?;
    let (totals, apps) = (service.rule_totals().await?, service.app_names().await?);
    let older = suppressed.next.map(|key| format!("{HOME}?cursor={}", const_hex::encode(key)));
    let content = html! {
        h1 { (TITLE) }
        p.lead { "What may stop a verification before anybody is called. What is changed here holds at once, on every replica; calls that ring go on." }
        @if let Some(wrong) = wrong { p.notice role="alert" { (wrong) } }
        (switches(operator, &apps, &stopped))
        (rules(&service.rules_shown(), &totals))
        (blocked(operator, &blocks))
        (exemptions::section(operator, &exempt))
        (suppressions(operator, &apps, &suppressed.bars))
        nav.pages aria-label="Pages of suppressions" {
            @if after.is_some() { a.button href=(HOME) { "First" } }
            @if let Some(older) = older { a.button rel="next" href=(older) { "More suppressions" } }
        }
    };
    Ok(page::with_status(status, operator, Section::Guard, TITLE, &content))
}

/// The kill switch: of everything, of an app, of a channel.
fn switches(operator: &Operator, apps: &[Name], stopped: &[Bar]) -> Markup {
    html! {
        section.panel {
            h2 { "Kill switch" }
            @if stopped.is_empty() {
                p { (badge("good", "nothing is stopped")) }
            } @else {
                table.cards #stopped {
                    thead { tr { th { "Stopped" } th { "App" } th { "Since (UTC)" } th { "Why" } th { span.hidden { "Resume" } } } }
                    tbody { @for bar in stopped { (stopped_row(operator, bar)) } }
                }
            }
            details.try open[stopped.is_empty()] {
                summary { "Stop starts" }
                form.fields method="post" action="/console/guard/stop" {
                    (hidden_token(&operator.session))
                    (of_app(apps))
                    label { "Channel"
                        select name="channel" {
                            option value="" { "every channel" }
                            @for one in Channel::ALL { option value=(one.as_str()) { (channel(one)) } }
                        }
                    }
                    (why())
                    button.danger #stop { "Stop starts now" }
                }
                p.hint { "Refuses starts, later steps of plans, and what waits to be dispatched." }
            }
        }
    }
}

fn stopped_row(operator: &Operator, bar: &Bar) -> Markup {
    let of = Channel::parse(&bar.subject);
    html! {
        tr {
            td data-label="Stopped" { (badge("bad", of.map_or("every channel", channel))) }
            td data-label="App" { (whose(bar)) }
            td data-label="Since" { (instant(bar.created_at)) }
            td.text data-label="Why" { (or_dash(bar.reason.as_deref())) }
            td.actions {
                form method="post" action="/console/guard/resume" {
                    (hidden_token(&operator.session))
                    input type="hidden" name="app" value=(bar.app.as_ref().map_or("", Name::as_str));
                    input type="hidden" name="channel" value=(of.map_or("", Channel::as_str));
                    button.resume { "Let starts be again" }
                }
            }
        }
    }
}

/// Every rule that has something to say or has said something.
fn rules(shown: &[RuleShown], totals: &[RuleTotal]) -> Markup {
    let configured = |rule| shown.iter().filter(move |shown| shown.rule == rule);
    let total = |rule, mode| {
        let of = totals.iter().filter(|total| total.rule == rule && total.mode == mode);
        of.map(|total| total.total).sum::<u64>()
    };
    let has = |rule: &Rule| {
        let counted = total(*rule, Mode::Enforce) + total(*rule, Mode::Shadow);
        configured(*rule).next().is_some() || counted > 0
    };
    html! {
        section.panel {
            h2 { "Rules" }
            @if Rule::ALL.iter().any(has) {
                table.cards #rules {
                    thead { tr { th { "Rule" } th { "As configured" } th.number { "Refused" } th.number { "Would have" } } }
                    tbody { @for rule in Rule::ALL.into_iter().filter(has) {
                        tr {
                            td data-label="Rule" { span.strong { (plain(rule.as_str())) } }
                            td.text data-label="Configured" { (ways(configured(rule))) }
                            td.number data-label="Refused" { (total(rule, Mode::Enforce)) }
                            td.number data-label="Would have" { (total(rule, Mode::Shadow)) }
                        }
                    } }
                }
                p.hint { "\"Would have\" counts what a rule in shadow let pass. Set its mode to enforce in the configuration once that is what should be refused." }
            } @else {
                p.empty { "No rule has anything to say. Set limits and lists in the configuration, in the section [guard]; in shadow at first, so that this page shows what they would refuse." }
            }
        }
    }
}

/// A rule as it stands in the configuration, for all apps and for some.
fn ways<'a>(shown: impl Iterator<Item = &'a RuleShown>) -> Markup {
    let shown: Vec<&RuleShown> = shown.collect();
    html! {
        @if shown.is_empty() { (dash()) }
        @for one in shown {
            div {
                (badge(if one.mode == Mode::Enforce { "open" } else { "quiet" }, one.mode.as_str())) " "
                @for (place, limit) in one.limits.iter().enumerate() {
                    @if place > 0 { ", " } (limit.max) " in " (span(limit.per))
                }
                @if let Some(money) = one.money { (amount(one.rule, money)) }
                @if let Some(conversion) = one.conversion { (conversion_of(conversion)) }
                @if let Some(app) = &one.app { " " span.muted { "for " (app) } }
            }
        }
    }
}

/// An amount, and of what it is.
fn amount(rule: Rule, money: Money) -> String {
    match rule {
        Rule::PriceCeiling => format!("at most {money} an attempt"),
        Rule::BalanceFloor => format!("at least {money} left"),
        _ => format!("{money} a day (UTC)"),
    }
}

fn conversion_of(rule: Conversion) -> String {
    let (least, volume, window) = (rule.min_percent, rule.min_volume, span(rule.window));
    let block = span(rule.block_for);
    format!("below {least} % proved of {volume} or more in {window}: blocked for {block}")
}

fn blocked(operator: &Operator, blocks: &[Bar]) -> Markup {
    html! {
        section.panel {
            h2 { "Blocked by a rule" }
            @if blocks.is_empty() {
                p.empty { "Nothing. A rule that blocks for a time, as after too many failures, lists here whom or what, until it is over or you lift it." }
            } @else {
                table.cards #blocks {
                    thead { tr { th { "Rule" } th { "What" } th { "App" } th { "Since (UTC)" } th { "Until (UTC)" } th { "Why" } th { span.hidden { "Unblock" } } } }
                    tbody { @for bar in blocks {
                        tr {
                            td data-label="Rule" { span.strong { (plain(bar.rule.as_str())) } }
                            td.text data-label="What" { (bar.subject) }
                            td data-label="App" { (whose(bar)) }
                            td data-label="Since" { (instant(bar.created_at)) }
                            td data-label="Until" { (until(bar)) }
                            td.text data-label="Why" { (or_dash(bar.reason.as_deref())) }
                            td.actions { (act(operator, bar, "blocks", "lift", "Unblock")) }
                        }
                    } }
                }
            }
        }
    }
}

fn suppressions(operator: &Operator, apps: &[Name], bars: &[Bar]) -> Markup {
    html! {
        section.panel {
            h2 { "Not to be reached" }
            @if bars.is_empty() {
                p.empty { "Nobody. Add below whoever asked to be left alone." }
            } @else {
                table.cards #suppressions {
                    thead { tr { th { "Who" } th { "App" } th { "Since (UTC)" } th { "Why" } th { span.hidden { "Take away" } } } }
                    tbody { @for bar in bars {
                        tr {
                            td.text data-label="Who" { (bar.subject) }
                            td data-label="App" { (whose(bar)) }
                            td data-label="Since" { (instant(bar.created_at)) }
                            td.text data-label="Why" { (or_dash(bar.reason.as_deref())) }
                            td.actions { (act(operator, bar, "suppressions", "delete", "May be reached")) }
                        }
                    } }
                }
            }
            details.try {
                summary { "Suppress a number or an address" }
                form.fields method="post" action="/console/guard/suppressions" {
                    (hidden_token(&operator.session))
                    label { "Number or address" input name="to" required placeholder="+380…" autocomplete="off" spellcheck="false"; }
                    (of_app(apps))
                    (why())
                    button.primary { "Suppress it" }
                }
                p.hint { "Only a keyed hash and the masked number are stored; leave the number out of the reason." }
            }
        }
    }
}

pub(super) fn act(operator: &Operator, bar: &Bar, of: &str, verb: &str, says: &str) -> Markup {
    html! {
        form method="post" action={ "/console/guard/" (of) "/" (const_hex::encode(bar.key)) "/" (verb) } {
            (hidden_token(&operator.session))
            button { (says) span.hidden { ": " (bar.subject) } }
        }
    }
}

fn of_app(apps: &[Name]) -> Markup {
    html! {
        label { "App"
            select name="app" {
                option value="" { "every app" }
                @for app in apps { option value=(app) { (app) } }
            }
        }
    }
}

pub(super) fn why() -> Markup {
    html! {
        label { "Why, for whoever looks later" input name="reason" maxlength=(LONGEST_REASON) autocomplete="off"; }
    }
}

fn whose(bar: &Bar) -> Markup {
    html! { @match &bar.app { Some(app) => (app), None => span.muted { "every app" } } }
}

fn until(bar: &Bar) -> Markup {
    html! { @match bar.until { Some(until) => (instant(until)), None => "lifted" } }
}

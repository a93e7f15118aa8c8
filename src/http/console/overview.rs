//! The first page: how verifications go, what happens now, and whether all is well.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;

use crate::domain::{Channel, Status};
use crate::service::{FeedPage, Stats, StatsBy, StatsLine, StatsWanted, StoreError};

use super::super::state::State;
use super::chart::{self, Bar};
use super::elements::{channel, dash, span, time_of_day};
use super::operator::Operator;
use super::page::{self, Section};
use super::refused::Refused;
use super::{health, spend, timeline};

const TITLE: &str = "Overview";
/// How many changes the feed shows.
const FEED: u16 = 15;
/// How many countries are shown.
const COUNTRIES: usize = 12;

/// Which days are wanted.
#[derive(Deserialize)]
pub struct Days {
    days: Option<String>,
}

/// What a span of days is called.
const SPANS: [(i64, &str); 3] = [(1, "Today"), (7, "7 days"), (30, "30 days")];

/// What the page shows.
struct Numbers {
    days: i64,
    by_channel: Stats,
    by_country: Stats,
    by_time: Stats,
}

/// The page.
pub async fn page(
    operator: Operator,
    state: Data<State>,
    wanted: Query<Days>,
) -> Result<HttpResponse, Refused> {
    let days = match wanted.days.as_deref() {
        None | Some("") => 1,
        Some(text) => {
            let known = SPANS.iter().map(|(days, _)| *days).find(|days| days.to_string() == text);
            known.ok_or_else(|| Refused::unreadable("The days are 1, 7 or 30."))?
        }
    };
    // The place before what is read, so that no change between is missed.
    let feed = state.service.feed(None, FEED).await?;
    let now = state.service.clock().now();
    let numbers = numbers(&state, days, now).await;
    let (spent, health) = (spend::panel(&state).await, health::panels(&state).await);
    let content = html! {
        header.row {
            h1 { (TITLE) }
            nav.tabs aria-label="Days (UTC)" {
                @for (one, name) in SPANS {
                    a href={ "/console/overview?days=" (one) } aria-current=[(one == days).then_some("true")] { (name) }
                }
            }
        }
        div data-live={ "/console/live?after=" (feed.end) } {
            @match &numbers {
                Ok(numbers) => (counts(numbers, now)),
                Err(_) => p.notice role="alert" { "Nothing can be counted, since the store takes no writes. Make room on its disk, or mend what the log names." },
            }
            div.columns {
                (happens(&feed))
                div { (spent) (health) }
            }
        }
    };
    Ok(page::of(&operator, Section::Overview, TITLE, &content))
}

async fn numbers(state: &State, days: i64, now: Timestamp) -> Result<Numbers, StoreError> {
    let from = now - SignedDuration::from_hours(24 * (days - 1));
    let wanted = |by| StatsWanted { from, until: now, app: None, by };
    let over = if days == 1 { StatsBy::Hour } else { StatsBy::Day };
    Ok(Numbers {
        days,
        by_channel: state.service.stats(wanted(StatsBy::Channel)).await?,
        by_country: state.service.stats(wanted(StatsBy::Country)).await?,
        by_time: state.service.stats(wanted(over)).await?,
    })
}

fn counts(numbers: &Numbers, now: Timestamp) -> Markup {
    html! {
        (totals(numbers))
        (over_time(numbers, now))
        div.columns {
            (table("By channel", "Channel", &numbers.by_channel, channel_name))
            (table("By country", "Country", &numbers.by_country, country_name))
        }
    }
}

fn totals(numbers: &Numbers) -> Markup {
    let total = &numbers.by_channel.total;
    html! {
        dl.totals {
            div { dt { "Started" } dd #started { (total.started) } }
            div { dt { "Verified" } dd { (total.verified()) } }
            div { dt { "Failed" } dd { (failed(total)) } }
            div { dt { "Conversion" } dd { (conversion(total)) } }
            div { dt { "Time to answer" } dd { @match total.took {
                Some(took) => { (span(took.p50)) " " small { "median · 95 %: " (span(took.p95)) } }
                None => (dash()),
            } } }
        }
    }
}

/// Of those that ended, how many were verified.
fn conversion(line: &StatsLine) -> Markup {
    let ended = line.concluded();
    html! {
        @match (line.verified() * 1_000).checked_div(ended) {
            Some(mille) => { (mille / 10) "." (mille % 10) " %" }
            None => (dash()),
        }
    }
}

fn failed(line: &StatsLine) -> u64 {
    let failed = line.ended.iter().filter(|(outcome, _)| outcome.status() == Status::Failed);
    failed.map(|(_, total)| total).sum()
}

fn over_time(numbers: &Numbers, now: Timestamp) -> Markup {
    let (title, keys) = if numbers.days == 1 {
        ("Verifications by hour of the start, UTC", hours(now))
    } else {
        ("Verifications by day of the start, UTC", days(numbers.days, now))
    };
    let bar = |(key, label): (String, String)| {
        let found = numbers.by_time.groups.iter().find(|line| line.key == key);
        found.map_or_else(
            || Bar { label: label.clone(), ..Bar::default() },
            |line| {
                let (verified, failed) = (line.verified(), failed(line));
                let other = line.concluded() - verified - failed;
                Bar { label: label.clone(), verified, failed, other }
            },
        )
    };
    let bars: Vec<Bar> = keys.into_iter().map(bar).collect();
    html! { section.panel { (chart::bars(title, &bars)) } }
}

/// The hours of today, as the statistics name them, and as the chart does.
fn hours(now: Timestamp) -> Vec<(String, String)> {
    let day = now.strftime("%Y-%m-%d").to_string();
    (0..24).map(|hour| (format!("{day}T{hour:02}:00:00Z"), format!("{hour:02}"))).collect()
}

fn days(count: i64, now: Timestamp) -> Vec<(String, String)> {
    let day = |back: i64| {
        let at = now - SignedDuration::from_hours(24 * back);
        (at.strftime("%Y-%m-%d").to_string(), at.strftime("%d %b").to_string())
    };
    (0..count).rev().map(day).collect()
}

fn table(title: &str, head: &str, stats: &Stats, name: fn(&str) -> String) -> Markup {
    let mut lines: Vec<&StatsLine> = stats.groups.iter().collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.started));
    let more = lines.len().saturating_sub(COUNTRIES);
    html! {
        section.panel {
            h2 { (title) }
            @if lines.is_empty() {
                p.empty { "Nothing was started in this time. What apps start shows up here by itself." }
            } @else {
                table.plain {
                    thead { tr { th { (head) } th.number { "Started" } th.number { "Verified" } th.number { "Failed" } th.number { "Conversion" } th.number { "Median" } } }
                    tbody { @for line in lines.into_iter().take(COUNTRIES) {
                        tr {
                            td { (name(&line.key)) }
                            td.number { (line.started) }
                            td.number { (line.verified()) }
                            td.number { (failed(line)) }
                            td.number { (conversion(line)) }
                            td.number { @match line.took { Some(took) => (span(took.p50)), None => (dash()) } }
                        }
                    } }
                }
                @if more > 0 { p.hint { "and " (more) " more" } }
            }
        }
    }
}

fn channel_name(key: &str) -> String {
    Channel::parse(key).map_or_else(|| key.to_owned(), |known| channel(known).to_owned())
}

fn country_name(key: &str) -> String {
    if key == "-" { "unknown".to_owned() } else { key.to_owned() }
}

fn happens(feed: &FeedPage) -> Markup {
    html! {
        section.panel {
            h2 { "What happens now" }
            @if feed.rows.is_empty() {
                p.empty { "Nothing yet. Make a key under " a href="/console/keys" { "Apps and keys" }
                    ", and what its app starts appears here." }
            }
            ol.feed {
                @for row in feed.rows.iter().rev() {
                    @if let Some(entry) = row.entries.last() {
                        li class=(timeline::tone(&entry.kind)) {
                            (time_of_day(entry.at)) " "
                            a href={ "/console/verifications/" (row.verification.id) } { (row.verification.to) }
                            " " span.what { (timeline::what(&entry.kind)) }
                        }
                    }
                }
            }
        }
    }
}

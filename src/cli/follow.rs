//! Following what happens, until interrupted; a connection that ends is made again.

use std::process::ExitCode;
use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;

use crate::app;

use super::client::{Api, items, query};
use super::stop_signal;

/// How long to wait before a service that was lost is asked again, and between looks.
const PAUSE: Duration = Duration::from_secs(1);
/// Said once it is known behind what everything is printed.
const FOLLOWING: &str = "following; Ctrl-C ends it";
/// How many notifications one look asks for.
const AT_ONCE: &str = "100";

/// Prints each event after `cursor` as it happens.
pub(super) async fn events(
    api: &Api,
    mut cursor: String,
    print: impl Fn(&Value),
) -> anyhow::Result<ExitCode> {
    let stop = stop_signal()?;
    eprintln!("{FOLLOWING}");
    let following = async {
        loop {
            match api.events_after("/v1/events", &cursor).await {
                Ok(stream) => read(stream, &mut cursor, &print).await,
                Err(error) => eprintln!("lost the service, asking again: {error:#}"),
            }
            app::real_clock().sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = stop => Ok(ExitCode::SUCCESS),
        ended = following => ended,
    }
}

/// Prints what a stream tells until it ends or breaks.
async fn read(mut stream: Response, cursor: &mut String, print: &impl Fn(&Value)) {
    let mut unread = Vec::new();
    while let Ok(Some(chunk)) = stream.chunk().await {
        unread.extend_from_slice(&chunk);
        while let Some(end) = unread.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = unread.drain(..end + 2).collect();
            for line in String::from_utf8_lossy(&event).lines() {
                if let Some(id) = line.strip_prefix("id: ") {
                    id.clone_into(cursor);
                } else if let Some(data) = line.strip_prefix("data: ")
                    && let Ok(event) = serde_json::from_str(data)
                {
                    print(&event);
                }
            }
        }
    }
}

/// Prints each notification that passes `filters` as it comes.
pub(super) async fn notifications(
    api: &Api,
    filters: &[(&str, Option<&str>)],
    print: impl Fn(&Value),
) -> anyhow::Result<ExitCode> {
    let stop = stop_signal()?;
    let newest = api.call(Method::GET, "/v1/notifications?limit=1", None).await?;
    let mut seen = items(&newest["notifications"]).find_map(|one| one["sequence"].as_i64());
    eprintln!("{FOLLOWING}");
    let following = async {
        loop {
            match since(api, filters, seen.unwrap_or(0)).await {
                Ok(found) => {
                    found.iter().rev().for_each(&print);
                    seen = found.first().and_then(|one| one["sequence"].as_i64()).or(seen);
                }
                Err(error) => eprintln!("lost the service, asking again: {error:#}"),
            }
            app::real_clock().sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = stop => Ok(ExitCode::SUCCESS),
        ended = following => ended,
    }
}

/// Every notification after a place, newest first.
async fn since(
    api: &Api,
    filters: &[(&str, Option<&str>)],
    seen: i64,
) -> anyhow::Result<Vec<Value>> {
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let place = [("limit", Some(AT_ONCE)), ("cursor", cursor.as_deref())];
        let path = query("/v1/notifications", &[filters, &place].concat());
        let page = api.call(Method::GET, &path, None).await?;
        let is_new = |one: &&Value| one["sequence"].as_i64().is_some_and(|place| place > seen);
        let new: Vec<Value> = items(&page["notifications"]).filter(is_new).cloned().collect();
        let all_new = new.len() == items(&page["notifications"]).count();
        found.extend(new);
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        // The cursor is the place before which the next page is.
        let before = cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        if !all_new || before <= seen + 1 {
            return Ok(found);
        }
    }
}

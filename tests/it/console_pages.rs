//! The pages of the console by plain HTTP: what they show, and what they say of bad input.

use reqwest::Method;
use serde_json::json;

use crate::app::TestApp;
use crate::console::Visitor;

const NUMBER: &str = "+380991234567";

#[tokio::test]
async fn the_overview_counts_by_channel_country_and_hour() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    let empty = visitor.get("/console/overview").await.text;
    assert!(empty.contains("id=\"started\">0<") && empty.contains("Nothing was started"));
    let started = app.begin(NUMBER).await;
    app.outcome(&started["id"]).await;
    let page = visitor.get("/console/overview").await.text;
    for said in [
        "id=\"started\">1<",
        "100.0 %",
        "button call",
        "<td>UA</td>",
        "Verifications by hour of the start, UTC: 1 verified, 0 failed, 0 otherwise",
        "Ended verified: confirmed",
        "takes writes",
    ] {
        assert!(page.contains(said), "{said}");
    }
    for days in ["7", "30"] {
        let page = visitor.get(&format!("/console/overview?days={days}")).await;
        assert!(page.text.contains("Verifications by day of the start, UTC: 1 verified"), "{days}");
    }
    for days in ["0", "-1", "2", "x", "99999999999999999999"] {
        let page = visitor.get(&format!("/console/overview?days={days}")).await;
        assert_eq!(page.status, 422, "{days}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_notification_is_replayed_beside_itself_and_changes_nothing() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    assert!(visitor.get("/console/notifications").await.text.contains("No notification yet"));
    let started = app.begin(NUMBER).await;
    let ended = app.outcome(&started["id"]).await;
    app.notifications().await;
    let list = visitor.get("/console/notifications?verdict=accepted").await.text;
    let (_, rest) = list.split_once("href=\"/console/notifications/").unwrap();
    let sequence = rest.split('"').next().unwrap();
    assert!(rest.contains("NOTIFY_END"), "{rest}");

    let path = format!("/console/notifications/{sequence}");
    let page = visitor.get(&path).await.text;
    assert!(page.contains("callback_dtmf") && !page.contains("Signature</th>"));
    let replayed = visitor.post(&format!("{path}/replay"), &[]).await;
    assert_eq!(replayed.status, 303);
    let replay = replayed.headers["location"].to_str().unwrap();
    assert_ne!(replay, path);
    let replay = visitor.get(replay).await.text;
    assert!(replay.contains("Replay of") && replay.contains(&format!("href=\"{path}\"")));
    assert_eq!(app.show(&started["id"]).await, ended);
    app.stop().await;
}

#[tokio::test]
async fn bad_notification_searches_and_unknown_places_are_answered_in_words() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    for query in ["cursor=x", "verdict=nice", "account=%3Cb%3E", "verification=ver_1"] {
        let page = visitor.get(&format!("/console/notifications?{query}")).await;
        assert_eq!(page.status, 422, "{query}");
        assert!(page.text.contains("role=\"alert\""), "{query}");
    }
    for place in ["0", "-1", "x", "99999", "99999999999999999999"] {
        let path = format!("/console/notifications/{place}");
        assert_eq!(visitor.get(&path).await.status, 404, "{place}");
        assert_eq!(visitor.post(&format!("{path}/replay"), &[]).await.status, 404, "{place}");
    }
    for query in ["", "?after=", "?after=x", "?after=1"] {
        let page = visitor.get(&format!("/console/live{query}")).await;
        assert_eq!(page.status, 422, "{query}");
    }
    assert_eq!(visitor.get("/console/audit?cursor=x").await.status, 422);
    app.stop().await;
}

#[tokio::test]
async fn a_page_of_everything_hears_once_that_something_happened() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    let page = visitor.get("/console/verifications").await.text;
    let (_, rest) = page.split_once("data-live=\"").unwrap();
    let live = rest.split('"').next().unwrap().to_owned();
    app.begin(NUMBER).await;
    let told = visitor.get(&live).await;
    assert_eq!(told.headers["content-type"], "text/event-stream");
    assert!(told.text.contains("event: changed\n"), "{}", told.text);
    app.stop().await;
}

#[tokio::test]
async fn the_audit_log_says_who_signed_in_and_who_made_a_key() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    visitor.post("/console/keys", &[("app", "bakery"), ("scope", "read")]).await;
    visitor.post("/console/sign-out-everywhere", &[]).await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    let page = visitor.get("/console/audit").await.text;
    let id = app.key.split_once('.').unwrap().0;
    for said in ["console.signed_in", "console.signed_out_everywhere", "key.created", "bakery"] {
        assert!(page.contains(said), "{said}");
    }
    assert!(page.contains(&format!("key:{id}")));
    app.stop().await;
}

#[tokio::test]
async fn many_pages_lead_on_and_back() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    for number in 0..51 {
        let body = json!({ "to": format!("person{number}@example.com"), "channel": "email" });
        let answer = app.call(Method::POST, "/v1/verifications", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        app.advance(1);
    }
    let first = visitor.get("/console/verifications").await.text;
    assert!(first.contains("person50@") && !first.contains("person0@"));
    let (_, rest) = first.split_once("rel=\"next\" href=\"").unwrap();
    let next = rest.split('"').next().unwrap().replace("&amp;", "&");
    let second = visitor.get(&next).await.text;
    assert!(second.contains("person0@") && !second.contains("person50@"));
    assert!(second.contains("Newest") && !second.contains("rel=\"next\""));
    app.stop().await;
}

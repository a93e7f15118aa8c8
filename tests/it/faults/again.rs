//! A result that waits to be judged once more outlives the process.

use reqwest::Method;
use serde_json::json;

use crate::app::TestApp;
use crate::intake_verifies::end;

const NUMBER: &str = "+380991234567";

#[tokio::test]
async fn a_result_that_waits_for_the_providers_clock_is_judged_after_a_restart() {
    let mut app = TestApp::start().await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    let started = app.begin(NUMBER).await;
    // The PBX's clock changes its zone, and its API does not tell.
    let settings = |drops| json!({ "zone_offset_minutes": 180, "drop_all": drops });
    app.simulator(Method::PUT, "/_simulator/settings", Some(settings(true))).await;
    app.notify(&end(NUMBER, &app.pbx_time_at(180 * 60), "1")).await;
    // Twice if this machine was so slow that it was spilled meanwhile.
    assert!(app.verdicts().await["outside_window"] >= 1);
    assert_eq!(app.show(&started["id"]).await["status"], "pending");

    app.restart().await;
    assert_eq!(app.show(&started["id"]).await["status"], "pending");
    app.simulator(Method::PUT, "/_simulator/settings", Some(settings(false))).await;
    app.learn().await;
    assert_eq!(app.outcome(&started["id"]).await["outcome"], "confirmed");
    app.stop().await;
}

//! What was spent today, in the console and by API.

use ringproof::domain::{Mode, Money};
use serde_json::json;

use crate::app::TestApp;
use crate::console::Visitor;

/// What stands in the panel.
async fn panel(visitor: &Visitor) -> String {
    let page = visitor.get("/console/overview").await.text;
    let (_, rest) = page.split_once("id=\"spend\"").unwrap();
    rest.split("</section>").next().unwrap().to_owned()
}

#[tokio::test]
async fn the_overview_shows_what_each_app_spent_today_beside_its_budget() {
    let budget = |mode, amount| ringproof::config::Spending {
        mode,
        amount: Some(Money::parse(amount).unwrap()),
    };
    let app = TestApp::with(|config| {
        config.guard.money.app_budget = budget(Mode::Shadow, "0.018 USD");
        let bakery = config.apps.entry("bakery".to_owned()).or_default();
        bakery.guard.get_or_insert_default().money.app_budget = budget(Mode::Enforce, "7 USD");
    })
    .await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    assert!(panel(&visitor).await.contains(">0 USD<"), "nothing was spent");
    // The simulator's price is 0.009 USD a minute.
    app.begin("+380991234567").await;
    let half = panel(&visitor).await;
    assert!(half.contains("0.009 USD") && half.contains("0.018 USD"), "{half}");
    assert!(half.contains(">shadow<") && half.contains("An estimate") && !half.contains(">spent<"));
    app.begin("+380501234567").await;
    let all = panel(&visitor).await;
    assert!(all.contains("0.018 USD <span class=\"badge bad\">spent<"), "{all}");

    let made = visitor.post("/console/keys", &[("app", "bakery"), ("scope", "read")]).await;
    assert_eq!(made.status, 201);
    let told = app.get("/v1/guard").await.json()["spent_today"].clone();
    let own = |app, own, mode, spent, budget| json!({ "app": app, "own": own, "mode": mode, "spent": spent, "budget": budget });
    let shared = [
        own("shop", false, "shadow", "0.018 USD", "0.018 USD"),
        own("bakery", false, "shadow", "0 USD", "0.018 USD"),
        own("bakery", true, "enforce", "0 USD", "7 USD"),
    ];
    assert_eq!(told, json!(shared));
    // The day ends at midnight UTC, 12 hours after the start.
    app.advance(12 * 3600);
    let told = app.get("/v1/guard").await.json()["spent_today"].clone();
    assert!(told.as_array().unwrap().iter().all(|one| one["spent"] == "0 USD"), "{told}");
    app.stop().await;
}

#[tokio::test]
async fn without_a_budget_the_overview_says_what_to_set() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    app.begin("+380991234567").await;
    let panel = panel(&visitor).await;
    assert!(
        panel.contains("Nothing is counted") && panel.contains("[guard.app_budget]"),
        "{panel}"
    );
    assert_eq!(app.get("/v1/guard").await.json()["spent_today"], json!([]));
    app.stop().await;
}

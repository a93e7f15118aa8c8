//! Prefixes that the rule on proofs never blocks, on the console's page of the guard.

use crate::app::{TestApp, answer};
use crate::console::Visitor;

const FORM: &str = "/console/guard/exemptions";

#[tokio::test]
async fn an_exemption_is_added_listed_audited_and_taken_away() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    assert!(visitor.get("/console/guard").await.text.contains("No prefix. Add below"));
    let fields = [("prefix", "+38099"), ("channel", "sms"), ("reason", "a <b>fair</b>")];
    assert_eq!(visitor.post(FORM, &fields).await.status, 303);
    let by_api = app.get("/v1/guard/exemptions").await.json()["exemptions"].clone();
    assert_eq!(by_api.as_array().unwrap().len(), 1, "{by_api}");
    let page = visitor.get("/console/guard").await.text;
    let subject = by_api[0]["subject"].as_str().unwrap();
    assert!(page.contains(subject) && page.contains("a &lt;b&gt;fair&lt;/b&gt;"), "{subject}");

    let (_, rest) = page.split_once(&format!("action=\"{FORM}/")).unwrap();
    let path = format!("{FORM}/{}", rest.split('"').next().unwrap());
    assert_eq!(visitor.post(&path, &[]).await.status, 303);
    assert_eq!(visitor.post(&path, &[]).await.status, 404, "it was taken away before");
    assert!(visitor.get("/console/guard").await.text.contains("No prefix. Add below"));
    let log = app.get("/v1/audit?limit=2").await.json();
    let actions = ["prefix.unexempted", "prefix.exempted"];
    for (entry, action) in log["entries"].as_array().unwrap().iter().zip(actions) {
        assert_eq!(entry["action"], action, "{log:#}");
        assert!(entry["actor"].as_str().unwrap().starts_with("key:"), "{log:#}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_bad_prefix_a_foreign_form_and_an_unknown_id_change_nothing() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    let long = "x".repeat(257);
    for (fields, says) in [
        ([("prefix", ""), ("channel", "")], "The prefix"),
        ([("prefix", "38099"), ("channel", "")], "The prefix"),
        ([("prefix", "+123456789012"), ("channel", "")], "The prefix"),
        ([("prefix", "+38099<b>"), ("channel", "")], "The prefix"),
        ([("prefix", "+38099"), ("channel", "email")], "No such channel"),
        ([("prefix", "+38099"), ("channel", "pigeon")], "No such channel"),
        ([("prefix", "+38099"), ("reason", &*long)], "at most 256 bytes"),
    ] {
        let refused = visitor.post(FORM, &fields).await;
        assert_eq!(refused.status, 422, "{fields:?}");
        assert!(refused.text.contains(says), "{fields:?}");
    }
    let fields = [("prefix", "+38099"), ("form_token", "of another session")];
    let foreign = visitor.request(FORM).form(&fields).header("sec-fetch-site", "same-origin");
    assert_eq!(answer(foreign).await.status, 403);
    for id in ["nonsense", &"0".repeat(32), "%00"] {
        assert_eq!(visitor.post(&format!("{FORM}/{id}/delete"), &[]).await.status, 404, "{id}");
    }
    let by_api = app.get("/v1/guard/exemptions").await.json();
    assert_eq!(by_api["exemptions"].as_array().unwrap().len(), 0, "{by_api}");
    app.stop().await;
}

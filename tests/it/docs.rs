//! `/docs/`: the API's description in a browser, without anything from elsewhere.

use serde_json::json;

use crate::app::{TestApp, answer};
use crate::console_browser::Desk;

#[tokio::test]
async fn the_pages_are_served_from_here_under_a_strict_policy() {
    let app = TestApp::start().await;
    let get = async |path: &str| answer(app.http.get(format!("{}{path}", app.base))).await;
    // The client has followed /docs to /docs/.
    for path in ["/docs", "/docs/"] {
        let page = get(path).await;
        assert_eq!(page.status, 200);
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"));
        assert!(page.text.contains("swagger-ui"), "{}", page.text);
        // Scripts are files of this origin; the policy takes no others.
        for script in page.text.split("<script").skip(1) {
            let (tag, rest) = script.split_once('>').unwrap();
            assert!(
                tag.contains("src=\"./") && rest.trim_start().starts_with("</script>"),
                "{script}"
            );
        }
    }
    let start = get("/docs/swagger-initializer.js").await;
    assert!(start.text.contains("../openapi.json"), "{}", start.text);
    for file in ["swagger-ui-bundle.js", "swagger-ui.css", "swagger-ui-standalone-preset.js"] {
        assert_eq!(get(&format!("/docs/{file}")).await.status, 200, "{file}");
    }
    for path in ["/docs/none.js", "/docs/../Cargo.toml", "/docs/..%2fopenapi.json"] {
        let missing = get(path).await;
        assert_ne!(missing.status, 200, "{path}");
    }
    app.stop().await;
}

/// Every refusal by the page's policy, up to now and from now on.
const WATCH: &str = "window.refused = []; new ReportingObserver((reports) => \
    refused.push(...reports.map((report) => report.body.blockedURL)), \
    { types: [\"csp-violation\"], buffered: true }).observe()";

#[tokio::test]
async fn a_browser_renders_every_operation_and_the_policy_refuses_nothing_of_it() {
    let desk = Desk::stranger_at("/docs/").await;
    let described = desk.app.get("/openapi.json").await.json();
    let paths = described["paths"].as_object().unwrap().values();
    let operations: usize = paths.map(|path| path.as_object().unwrap().len()).sum();
    desk.until(".opblock").await;
    desk.run(WATCH).await;
    let rendered = desk.run("return document.querySelectorAll('.opblock').length").await;
    assert_eq!(rendered, json!(operations));
    desk.click(".opblock-summary-control").await;
    desk.until(".opblock-body .responses-table").await;

    // That a refusal would be seen: this one must be the only one.
    let refused = desk
        .run_async(
            "const done = arguments[0]; const script = document.createElement('script'); \
             script.textContent = '1'; document.head.append(script); \
             const look = () => refused.length ? done(refused) : setTimeout(look, 10); look();",
        )
        .await;
    assert_eq!(refused, json!(["inline"]));
    desk.close().await;
}

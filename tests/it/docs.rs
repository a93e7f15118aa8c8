//! `/docs/`: the API's description in a browser, without anything from elsewhere.

use crate::app::{TestApp, answer};

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

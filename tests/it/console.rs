//! The console by plain HTTP: who gets in, what no other site can do, what pages say
//! of bad input, and that nobody's text becomes markup.

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode, redirect};
use ringproof::domain::Name;
use ringproof::service::Scope;
use serde_json::json;

use crate::app::{Answer, TestApp, answer, note_secret};

const NUMBER: &str = "+380991234567";
const FORM: &str = "application/x-www-form-urlencoded";

/// A browser that knows its cookies and sends forms as browsers do.
pub struct Visitor {
    http: Client,
    base: String,
    pub cookie: String,
    pub form_token: String,
}

impl Visitor {
    pub fn stranger(app: &TestApp) -> Self {
        let http = Client::builder().no_proxy().redirect(redirect::Policy::none()).build();
        let (cookie, form_token) = (String::new(), String::new());
        Self { http: http.unwrap(), base: app.base.clone(), cookie, form_token }
    }

    /// Signed in with a key.
    pub async fn signed_in(app: &TestApp, key: &str) -> Self {
        let mut visitor = Self::stranger(app);
        let answer = visitor.sign_in(key).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        visitor.take_cookie(&answer.headers);
        let page = visitor.get("/console/keys").await.text;
        let (_, rest) = page.split_once("name=\"form_token\" value=\"").unwrap();
        visitor.form_token = rest.split('"').next().unwrap().to_owned();
        note_secret(&visitor.form_token);
        visitor
    }

    pub async fn sign_in(&self, key: &str) -> Answer {
        self.post("/console/sign-in", &[("key", key)]).await
    }

    fn take_cookie(&mut self, headers: &HeaderMap) {
        let set = headers["set-cookie"].to_str().unwrap();
        self.cookie = set.split(';').next().unwrap().to_owned();
        note_secret(self.cookie.split_once('=').unwrap().1);
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = self.http.get(format!("{}{path}", self.base));
        answer(request.header("cookie", &self.cookie)).await
    }

    /// A post that is still to be filled.
    pub fn request(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.post(format!("{}{path}", self.base)).header("cookie", &self.cookie)
    }

    /// Sends a form with this session's token.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        fields.push(("form_token", &self.form_token));
        self.post_with(path, &fields, &[("sec-fetch-site", "same-origin")]).await
    }

    /// Sends a form as it is, with these headers.
    async fn post_with(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.http.post(format!("{}{path}", self.base)).form(fields);
        request = request.header("cookie", &self.cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request).await
    }

    /// Whether this browser is let in.
    async fn is_in(&self) -> bool {
        self.get("/console/keys").await.status == 200
    }
}

fn leads_to(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.headers["location"].to_str().unwrap()
}

async fn key_with(app: &TestApp, name: &str, scopes: &[Scope]) -> String {
    let name = Name::parse(name).unwrap();
    let key = app.app().service().create_key(name, scopes).await.unwrap();
    note_secret(key.key.expose());
    key.key.expose().to_owned()
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_led_to_the_sign_in_and_back() {
    let app = TestApp::start().await;
    let visitor = Visitor::stranger(&app);
    let page = visitor.get("/console/verifications?to=%2B380991234567").await;
    let sign_in = leads_to(&page).to_owned();
    assert_eq!(
        sign_in,
        "/console/sign-in?back=%2Fconsole%2Fverifications%3Fto%3D%252B380991234567"
    );
    let form = visitor.get(&sign_in).await;
    assert_eq!(form.status, 200);
    assert!(form.text.contains("value=\"/console/verifications?to=%2B380991234567\""));

    let fields = [("key", &*app.key), ("back", "/console/verifications?to=%2B380991234567")];
    let signed_in = visitor.post("/console/sign-in", &fields).await;
    assert_eq!(leads_to(&signed_in), "/console/verifications?to=%2B380991234567");
    let fields = [("key", &*app.key), ("back", "https://evil.example/")];
    let signed_in = visitor.post("/console/sign-in", &fields).await;
    assert_eq!(leads_to(&signed_in), "/console");
    app.stop().await;
}

#[tokio::test]
async fn only_a_key_that_may_operate_signs_in_and_not_often_wrongly() {
    let app = TestApp::start().await;
    let visitor = Visitor::stranger(&app);
    let reader = key_with(&app, "shop", &[Scope::Start, Scope::Read]).await;
    let refused = visitor.sign_in(&reader).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("may not operate"));
    for wrong in ["", "nonsense", "key_0.0123456789abcdef", &format!("{}x", app.key)] {
        let refused = visitor.sign_in(wrong).await;
        assert_eq!(refused.status, 403, "{wrong}");
        assert!(refused.text.contains("not accepted"));
        assert!(!refused.headers.contains_key("set-cookie"));
    }
    for _ in 0..5 {
        assert_eq!(visitor.sign_in("nonsense").await.status, 403);
    }
    let stopped = visitor.sign_in(&app.key).await;
    assert_eq!(stopped.status, 429);
    assert_eq!(stopped.headers["retry-after"], "300");
    app.advance(300);
    assert_eq!(visitor.sign_in(&app.key).await.status, 303);
    app.stop().await;
}

#[tokio::test]
async fn the_cookie_is_for_this_site_only_and_under_tls_for_tls_only() {
    let app = TestApp::with(|config| {
        config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let visitor = Visitor::stranger(&app);
    let plain = visitor.sign_in(&app.key).await;
    let cookie = plain.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("ringproof_session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");

    let proxied = [("sec-fetch-site", "same-origin"), ("x-forwarded-proto", "https")];
    let tls = visitor.post_with("/console/sign-in", &[("key", &*app.key)], &proxied).await;
    let cookie = tls.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-ringproof_session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    app.stop().await;
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_old_or_signed_out_and_outlives_a_restart() {
    let mut app = TestApp::start().await;
    let key = app.key.clone();
    let mut visitor = Visitor::signed_in(&app, &key).await;
    app.restart().await;
    visitor.base.clone_from(&app.base);
    assert!(visitor.is_in().await);
    for _ in 0..25 {
        app.advance(29 * 60);
        if !visitor.is_in().await {
            break;
        }
    }
    let ended = visitor.get("/console/keys").await;
    assert_eq!(leads_to(&ended), "/console/sign-in?back=%2Fconsole%2Fkeys&ended=1");
    // Twelve hours in use.
    assert_eq!(app.now(), "2026-11-23T00:05:00Z".parse().unwrap());

    let idle = Visitor::signed_in(&app, &key).await;
    app.advance(30 * 60);
    assert!(!idle.is_in().await);

    let (one, other) = (Visitor::signed_in(&app, &key).await, Visitor::signed_in(&app, &key).await);
    assert_eq!(leads_to(&one.post("/console/sign-out", &[]).await), "/console/sign-in");
    assert!(!one.is_in().await);
    assert!(other.is_in().await);
    app.stop().await;
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session_of_the_key_and_no_other() {
    let app = TestApp::start().await;
    let (one, same) =
        (Visitor::signed_in(&app, &app.key).await, Visitor::signed_in(&app, &app.key).await);
    let colleague = key_with(&app, "office", &[Scope::Operate]).await;
    let colleague = Visitor::signed_in(&app, &colleague).await;
    let answer = one.post("/console/sign-out-everywhere", &[]).await;
    assert_eq!(leads_to(&answer), "/console/sign-in");
    assert!(answer.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert!(!one.is_in().await && !same.is_in().await);
    assert!(colleague.is_in().await);
    app.stop().await;
}

#[tokio::test]
async fn a_revoked_key_ends_its_sessions() {
    let app = TestApp::start().await;
    let key = key_with(&app, "office", &[Scope::Operate]).await;
    let colleague = Visitor::signed_in(&app, &key).await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    let id = key.split_once('.').unwrap().0;
    let path = format!("/console/keys/{id}/revoke");
    assert_eq!(leads_to(&visitor.post(&path, &[]).await), "/console/keys");
    assert!(!colleague.is_in().await);
    assert!(visitor.is_in().await);
    assert_eq!(visitor.post(&path, &[]).await.status, 404, "it was revoked before");
    assert_eq!(colleague.sign_in(&key).await.status, 403);
    app.stop().await;
}

#[tokio::test]
async fn no_other_site_and_no_other_session_can_send_a_form() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    let other = Visitor::signed_in(&app, &app.key).await;
    let keys = app.app().service().list_keys().await.unwrap().len();
    let host = app.base.strip_prefix("http://").unwrap();
    let (from_here, insecure) = (format!("http://{host}"), format!("http://evil.{host}"));
    let own = [("app", "evil"), ("scope", "start"), ("form_token", &*visitor.form_token)];
    let foreign = [("app", "evil"), ("scope", "start"), ("form_token", &*other.form_token)];
    let none = [("app", "evil"), ("scope", "start")];
    for (fields, headers) in [
        (&own[..], &[][..]),
        (&own, &[("sec-fetch-site", "cross-site"), ("origin", &*from_here)]),
        (&own, &[("sec-fetch-site", "same-site"), ("origin", &*from_here)]),
        (&own, &[("sec-fetch-site", "none")]),
        (&own, &[("origin", &*insecure)]),
        (&own, &[("origin", "null")]),
        (&foreign, &[("sec-fetch-site", "same-origin")]),
        (&none, &[("sec-fetch-site", "same-origin")]),
    ] {
        let answer = visitor.post_with("/console/keys", fields, headers).await;
        assert_eq!(answer.status, 403, "{fields:?} {headers:?}");
    }
    let sign_in = [("key", &*app.key)];
    let forced = visitor.post_with("/console/sign-in", &sign_in, &[("origin", &*insecure)]).await;
    assert_eq!(forced.status, 403);
    assert!(!forced.headers.contains_key("set-cookie"));
    assert_eq!(app.app().service().list_keys().await.unwrap().len(), keys);

    let by_origin = visitor.post_with("/console/keys", &own, &[("origin", &*from_here)]).await;
    assert_eq!(by_origin.status, 201, "{}", by_origin.text);
    app.stop().await;
}

#[tokio::test]
async fn forms_that_cannot_be_read_are_refused_in_words() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    let request = |body: Vec<u8>, kind: &'static str| {
        let request = visitor.http.post(format!("{}/console/keys", app.base)).body(body);
        let request = request.header("cookie", &visitor.cookie).header("content-type", kind);
        answer(request.header("sec-fetch-site", "same-origin"))
    };
    let too_large = request(vec![b'a'; 17 * 1024], FORM).await;
    assert_eq!(too_large.status, 422);
    assert!(too_large.text.contains("16 KiB"));
    assert_eq!(request(b"{}".to_vec(), "application/json").await.status, 422);
    assert_eq!(request(b"app=%ff%fe".to_vec(), FORM).await.status, 403, "it has no token");
    for (app_name, scope, says) in [
        ("", "start", "1 to 64 characters"),
        ("Shop!", "start", "1 to 64 characters"),
        ("shop", "", "at least one scope"),
        ("shop", "everything", "at least one scope"),
    ] {
        let refused = visitor.post("/console/keys", &[("app", app_name), ("scope", scope)]).await;
        assert_eq!(refused.status, 422, "{app_name} {scope}");
        assert!(refused.text.contains(says), "{app_name} {scope}");
    }
    let fields = [("app", "shop"), ("scope", "start"), ("signature_method", "rot13")];
    assert_eq!(visitor.post("/console/keys", &fields).await.status, 422);
    assert_eq!(visitor.post("/console/theme", &[("theme", "pink")]).await.status, 422);
    app.stop().await;
}

#[tokio::test]
async fn a_key_is_made_shown_once_and_works() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    let fields = [("app", "bakery"), ("scope", "start"), ("scope", "read")];
    let made = visitor.post("/console/keys", &fields).await;
    assert_eq!(made.status, 201);
    let (_, rest) = made.text.split_once("id=\"new-key\">").unwrap();
    let key = rest.split('<').next().unwrap();
    note_secret(key);
    let search = app.call_as(key, Method::GET, "/v1/verifications", None).await;
    assert_eq!(search.status, 200);
    assert_eq!(app.call_as(key, Method::GET, "/v1/keys", None).await.problem(403), "missing_scope");
    let page = visitor.get("/console/keys").await.text;
    assert!(page.contains(key.split_once('.').unwrap().0));
    assert!(!page.contains(key.split_once('.').unwrap().1));
    app.stop().await;
}

#[tokio::test]
async fn every_app_is_searched_by_number_reference_and_outcome() {
    let app = TestApp::start().await;
    let other = key_with(&app, "bakery", &[Scope::Start, Scope::Read]).await;
    app.script("+4915112345678", json!({ "does": "busy" })).await;
    let ours = app.begin_with(json!({ "to": NUMBER, "reference": "order-1" })).await;
    let body = json!({ "to": "+4915112345678", "reference": "order-2" });
    let theirs = app.call_as(&other, Method::POST, "/v1/verifications", Some(body)).await.json();
    app.outcome(&ours["id"]).await;
    app.notifications().await;
    app.advance(11);
    let waited = format!("/v1/verifications/{}?wait=60", theirs["id"].as_str().unwrap());
    let ended = app.call_as(&other, Method::GET, &waited, None).await.json();
    assert_eq!(ended["outcome"], "busy");

    let visitor = Visitor::signed_in(&app, &app.key).await;
    let (ours, theirs) = (ours["id"].as_str().unwrap(), theirs["id"].as_str().unwrap());
    for (query, has_ours, has_theirs) in [
        ("", true, true),
        ("to=%2B380991234567", true, false),
        ("to=+380991234567", true, false),
        ("to=380991234567", true, false),
        ("reference=order-2", false, true),
        ("outcome=busy", false, true),
        ("status=verified", true, false),
        ("app=bakery", false, true),
        ("app=nobody", false, false),
        ("channel=sms", false, false),
        ("from=2026-11-22T12:00", true, true),
        ("until=2026-11-22T11:59", false, false),
        ("reference=order-1&outcome=busy", false, false),
    ] {
        let page = visitor.get(&format!("/console/verifications?{query}")).await;
        assert_eq!(page.status, 200, "{query}");
        assert_eq!(page.text.contains(ours), has_ours, "{query}");
        assert_eq!(page.text.contains(theirs), has_theirs, "{query}");
    }
    let one = visitor.get(&format!("/console/verifications/{ours}")).await.text;
    for said in ["NOTIFY_END", "callback_dtmf", "came to the secret address", "1 was pressed"] {
        assert!(one.contains(said), "{said}");
    }
    app.stop().await;
}

#[tokio::test]
async fn bad_queries_and_unknown_names_are_answered_in_words() {
    let app = TestApp::start().await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    for query in [
        "cursor=ver_nonsense",
        "cursor=%00",
        "to=123",
        "to=a@b",
        "status=done",
        "outcome=%27%20OR%201=1",
        "channel=pigeon",
        "app=Not%20a%20name",
        "from=yesterday",
        "until=2026-13-40T99:99",
    ] {
        let page = visitor.get(&format!("/console/verifications?{query}")).await;
        assert_eq!(page.status, 422, "{query}");
        assert!(page.text.contains("role=\"alert\""), "{query}");
    }
    let unknown = "/console/verifications/ver_00000000000070008000000000000000";
    for path in [
        unknown,
        &format!("{unknown}/live"),
        "/console/verifications/nonsense",
        "/console/verifications/nonsense/live",
        "/console/nowhere",
        "/console/assets/../console.css",
        "/console/assets/nothing.js",
    ] {
        assert_eq!(visitor.get(path).await.status, 404, "{path}");
    }
    assert_eq!(visitor.post("/console/keys/nonsense/revoke", &[]).await.status, 404);
    app.stop().await;
}

#[tokio::test]
async fn nobodys_text_becomes_markup() {
    let app = TestApp::start().await;
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let body = json!({
        "to": NUMBER, "reference": hostile, "metadata": { hostile: hostile },
    });
    let started = app.begin_with(body).await;
    app.outcome(&started["id"]).await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    let id = started["id"].as_str().unwrap();
    let query: String = url_encoded(hostile);
    for path in [
        "/console/verifications".to_owned(),
        format!("/console/verifications/{id}"),
        format!("/console/verifications?reference={query}"),
        format!("/console/verifications?to={query}"),
        format!("/console/verifications?cursor={query}"),
        format!("/console/sign-in?back={query}"),
    ] {
        let page = visitor.get(&path).await.text;
        assert!(!page.contains("<script>alert"), "{path}");
        assert!(!page.contains("<img src=x"), "{path}");
    }
    app.stop().await;
}

fn url_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[tokio::test]
async fn every_page_has_a_strict_policy_and_nothing_inline() {
    let app = TestApp::start().await;
    let started = app.begin(NUMBER).await;
    app.outcome(&started["id"]).await;
    let visitor = Visitor::signed_in(&app, &app.key).await;
    let one = format!("/console/verifications/{}", started["id"].as_str().unwrap());
    for (path, status) in [
        ("/console/sign-in", 200),
        ("/console/verifications", 200),
        (&*one, 200),
        ("/console/keys", 200),
        ("/console/overview", 200),
        ("/console/notifications", 200),
        ("/console/sounds", 200),
        ("/console/audit", 200),
        ("/console/nowhere", 404),
        ("/console/assets/console.css", 200),
        ("/console/assets/live.js", 200),
        ("/console", 303),
    ] {
        let page = visitor.get(path).await;
        assert_eq!(page.status, StatusCode::from_u16(status).unwrap(), "{path}");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        let cached = if path.contains("/assets/") { "no-cache" } else { "no-store" };
        assert_eq!(page.headers["cache-control"], cached, "{path}");
        if page.text.starts_with("<!DOCTYPE") {
            for inline in [" style=\"", " onclick", " onload", "<style", "<script>", "javascript:"]
            {
                assert!(!page.text.contains(inline), "{path}: {inline}");
            }
        }
    }
    let tag = visitor.get("/console/assets/console.css").await.headers["etag"].clone();
    let again = visitor.http.get(format!("{}/console/assets/console.css", app.base));
    assert_eq!(answer(again.header("if-none-match", tag)).await.status, 304);
    app.stop().await;
}

#[tokio::test]
async fn the_theme_is_kept_and_leads_back() {
    let app = TestApp::start().await;
    let mut visitor = Visitor::signed_in(&app, &app.key).await;
    assert!(visitor.get("/console/keys").await.text.contains("data-theme=\"system\""));
    let fields = [("theme", "dark"), ("back", "/console/keys")];
    let chosen = visitor.post("/console/theme", &fields).await;
    assert_eq!(leads_to(&chosen), "/console/keys");
    let set = chosen.headers["set-cookie"].to_str().unwrap();
    visitor.cookie = format!("{}; {}", visitor.cookie, set.split(';').next().unwrap());
    assert!(visitor.get("/console/keys").await.text.contains("data-theme=\"dark\""));
    app.stop().await;
}

#[tokio::test]
async fn a_page_that_is_followed_hears_of_changes_until_its_session_ends() {
    let app = TestApp::start().await;
    app.script(NUMBER, json!({ "does": "handset" })).await;
    let started = app.begin(NUMBER).await;
    let id = started["id"].as_str().unwrap();
    let visitor = Visitor::signed_in(&app, &app.key).await;
    let follow = visitor.http.get(format!("{}/console/verifications/{id}/live", app.base));
    let mut stream = follow.header("cookie", &visitor.cookie).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let first = stream.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"event: changed\n"), "{first:?}");

    app.call(Method::POST, &format!("/v1/verifications/{id}/cancel"), None).await;
    let second = stream.chunk().await.unwrap().unwrap();
    assert!(second.starts_with(b"event: changed\n"), "{second:?}");

    visitor.post("/console/sign-out", &[]).await;
    app.advance(15);
    while let Some(rest) = stream.chunk().await.unwrap() {
        assert_eq!(&rest[..], b":\n\n");
    }
    app.stop().await;
}

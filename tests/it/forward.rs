//! Notifications passed on as they came, to whoever lived on the URL before.

use ringproof::domain::WebhookUrl;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::app::TestApp;
use crate::config::refused;
use crate::intake_verifies::end;

const NUMBER: &str = "+380991234567";

/// A CRM: takes one request after another, each when the test wants it.
struct Crm(TcpListener);

impl Crm {
    async fn open() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn url(&self) -> WebhookUrl {
        let address = self.0.local_addr().unwrap();
        WebhookUrl::parse(&format!("http://{address}/zadarma")).unwrap()
    }

    /// The next request: its head in lower case and its body. It is answered `status`,
    /// with words that would steer a call.
    async fn takes(&self, status: &str) -> (String, String) {
        let (mut stream, _) = self.0.accept().await.unwrap();
        let request = read(&mut stream).await;
        let said = r#"{"redirect":"101"}"#;
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
            said.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        request
    }
}

async fn read(stream: &mut TcpStream) -> (String, String) {
    let mut text = String::new();
    loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await.unwrap();
        text.push_str(std::str::from_utf8(&part[..count]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() == length.unwrap().parse::<usize>().unwrap() {
            return (head, body.to_owned());
        }
    }
}

async fn forwarding(crm: &Crm) -> TestApp {
    let url = crm.url();
    TestApp::with(|config| {
        config.outbound.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.accounts.get_mut("main").unwrap().forward = Some(url);
    })
    .await
}

#[tokio::test]
async fn an_authentic_notification_is_passed_on_unchanged_after_it_was_taken() {
    let crm = Crm::open().await;
    let app = forwarding(&crm).await;
    app.script(NUMBER, json!({ "notify": "never" })).await;
    // A call that is none of ours concerns a CRM all the same.
    let time = app.pbx_time();
    let sent = app.notify(&end("+380507654321", &time, "")).await;
    assert_eq!(sent["status"], 200, "nobody has answered yet");

    let (head, body) = crm.takes("200 OK").await;
    let sent = app.notifications().await.pop().unwrap();
    let signature = sent["signature"].as_str().unwrap();
    assert!(head.contains(&format!("signature: {}", signature.to_lowercase())), "{head}");
    assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
    assert!(head.starts_with("post /zadarma http/1.1"), "{head}");
    assert!(body.contains("caller_id=%2B380507654321"), "{body}");
    app.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_away_is_tried_again_and_steers_nothing() {
    let crm = Crm::open().await;
    let app = forwarding(&crm).await;
    let sent = app.notify(&end("+380507654321", &app.pbx_time(), "1")).await;
    assert_eq!((&sent["status"], &sent["answer"]), (&json!(200), &serde_json::Value::Null));
    let first = crm.takes("500 Away").await;
    // Its next try is due in five seconds.
    let again = async {
        loop {
            app.advance(1);
            tokio::task::yield_now().await;
        }
    };
    let second = tokio::select! {
        second = crm.takes("200 OK") => second,
        () = again => unreachable!(),
    };
    assert_eq!(first.1, second.1);
    app.stop().await;
}

#[tokio::test]
async fn what_is_not_authentic_is_not_passed_on() {
    let crm = Crm::open().await;
    let app = forwarding(&crm).await;
    let forged =
        json!({ "fields": end(NUMBER, &app.pbx_time(), "1"), "signature": "x".repeat(56) });
    assert_eq!(app.notify_with(forged).await["status"], 401);
    app.notify(&end("+380507654321", &app.pbx_time(), "")).await;
    // The first that comes is the second that was sent.
    assert!(crm.takes("200 OK").await.1.contains("380507654321"));
    app.stop().await;
}

#[test]
fn an_address_that_could_never_be_reached_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["http://crm.example.com/", "https://10.0.0.1/", "ftp://crm.example.com/"] {
        let variable = ("RINGPROOF__ACCOUNTS__MAIN__FORWARD", url);
        let (code, said) = refused(folder.path(), &[], &[variable]);
        assert_eq!(code, Some(2), "{url}");
        assert!(said.contains("forward"), "{url}: {said}");
    }
}

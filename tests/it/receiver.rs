//! An app's side of webhooks: a real server that notes what it gets, and answers as it
//! is told to.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ringproof::config::{self, Config};
use ringproof::domain::{Secret, WebhookUrl};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;

use crate::app::note_secret;

/// How the receiver answers one request.
#[derive(Clone)]
pub enum Reaction {
    /// With a status, headers and a body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Never.
    Hang,
    /// With 200 and a body that never ends.
    Endless,
}

impl Reaction {
    pub fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), String::new())
    }

    pub fn json(body: Value) -> Self {
        Self::Answer(200, vec![("content-type", "application/json".into())], body.to_string())
    }
}

/// What came.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub id: String,
    pub timestamp: i64,
    pub signature: String,
    pub text: String,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Whether somebody else's library signs the same, at the time that was sent.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let webhook = Webhook::new(secret).unwrap();
        let theirs = webhook.sign(&self.id, self.timestamp, self.text.as_bytes()).unwrap();
        self.signature.split(' ').any(|ours| ours == theirs)
    }

    /// Whether somebody else's library takes it now, as a receiver would ask it.
    pub fn is_taken_by(&self, secret: &str) -> bool {
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("webhook-id", self.id.parse().unwrap());
        headers.insert("webhook-timestamp", self.timestamp.into());
        headers.insert("webhook-signature", self.signature.parse().unwrap());
        Webhook::new(secret).unwrap().verify(self.text.as_bytes(), &headers).is_ok()
    }
}

#[derive(Default)]
struct Inner {
    received: Mutex<Vec<Received>>,
    reactions: Mutex<VecDeque<Reaction>>,
    arrived: Notify,
}

/// A running receiver. It answers 200 unless told otherwise.
pub struct Receiver {
    pub base: String,
    pub secret: String,
    inner: Arc<Inner>,
    handle: ServerHandle,
}

impl Receiver {
    pub fn start() -> Self {
        let inner = Arc::new(Inner::default());
        let data = Data::from(Arc::clone(&inner));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = HttpServer::new(move || {
            App::new().app_data(data.clone()).default_service(web::to(get))
        })
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { base, secret: signing_secret(), inner, handle }
    }

    /// What the next requests are answered.
    pub fn will(&self, reactions: impl IntoIterator<Item = Reaction>) {
        self.inner.reactions.lock().unwrap().extend(reactions);
    }

    /// Answers 200 again.
    pub fn forgive(&self) {
        self.inner.reactions.lock().unwrap().clear();
    }

    pub fn received(&self) -> Vec<Received> {
        self.inner.received.lock().unwrap().clone()
    }

    /// The types of what came, in order of their time.
    pub fn types(&self) -> Vec<String> {
        let received = self.received();
        received.iter().map(|one| one.json()["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Returns once so many requests have come.
    pub async fn arrived(&self, count: usize) {
        loop {
            let arrived = self.inner.arrived.notified();
            if self.inner.received.lock().unwrap().len() >= count {
                return;
            }
            arrived.await;
        }
    }

    pub fn endpoint(&self) -> config::Endpoint {
        endpoint(&format!("{}/hook", self.base), &self.secret)
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn get(request: HttpRequest, body: Bytes, inner: Data<Inner>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/json");
    inner.received.lock().unwrap().push(Received {
        path: request.path().to_owned(),
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp").parse().unwrap(),
        signature: header("webhook-signature"),
        text: String::from_utf8(body.to_vec()).unwrap(),
    });
    let reaction = inner.reactions.lock().unwrap().pop_front();
    inner.arrived.notify_waiters();
    match reaction.unwrap_or_else(|| Reaction::status(200)) {
        Reaction::Answer(status, headers, body) => {
            let mut answer = HttpResponse::build(status.try_into().unwrap());
            headers.into_iter().for_each(|header| {
                answer.insert_header(header);
            });
            answer.body(body)
        }
        Reaction::Hang => std::future::pending().await,
        Reaction::Endless => {
            let part = || Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 4096]));
            HttpResponse::Ok().streaming(futures_util::stream::repeat_with(part))
        }
    }
}

/// An address at which every connection is closed without an answer.
pub async fn closing() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read(&mut [0; 64]).await;
        }
    });
    base
}

/// A new secret, noted as such.
pub fn signing_secret() -> String {
    let secret = format!("whsec_{}", STANDARD.encode(rand::random::<[u8; 32]>()));
    note_secret(&secret);
    secret
}

pub fn endpoint(url: &str, secret: &str) -> config::Endpoint {
    config::Endpoint {
        url: Some(WebhookUrl::parse(url).unwrap()),
        secret: Secret::new(secret),
        previous_secrets: Vec::new(),
        events: config::Events::Status,
    }
}

/// Lets the app have an endpoint, and everything on loopback be reached.
pub fn told_at(config: &mut Config, name: &str, endpoint: config::Endpoint) {
    let loopback = "127.0.0.0/8".parse().unwrap();
    config.outbound.allowed_networks = vec![loopback];
    config.outbound.connect_timeout = Duration::from_secs(1);
    config.apps.entry("shop".into()).or_default().endpoints.insert(name.into(), endpoint);
}

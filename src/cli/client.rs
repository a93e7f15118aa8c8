//! A client of a running service's API, for the commands that need one.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;

use crate::app;

/// How long an event stream may last.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3_600);

/// Which service, and with which key.
#[derive(Args, Clone)]
pub(super) struct Server {
    /// The service's address
    #[arg(
        long,
        value_name = "URL",
        env = "RINGPROOF_SERVER",
        default_value = "http://127.0.0.1:8080"
    )]
    pub(super) server: String,
    /// The app's key
    #[arg(long, value_name = "ID.SECRET", env = "RINGPROOF_KEY", hide_env_values = true)]
    pub(super) key: String,
}

/// What every command has that asks a service.
#[derive(Args, Clone)]
pub(super) struct Plain {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) server: Server,
}

/// Sends requests with the key.
pub(super) struct Api {
    client: Client,
    base: String,
    key: String,
}

/// An answer of the service.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl Answered {
    /// The answer, or the problem that it is.
    pub(super) fn into_value(self) -> anyhow::Result<Value> {
        let Self { status, body } = self;
        if !status.is_success() {
            let word = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            bail!("{} ({}, {status})", word("detail"), word("code"));
        }
        Ok(body)
    }
}

impl Api {
    /// The client of a command.
    pub(super) fn of(plain: &Plain) -> anyhow::Result<Self> {
        Self::new(&plain.server.server, &plain.server.key)
    }

    pub(super) fn new(server: &str, key: &str) -> anyhow::Result<Self> {
        app::install_tls();
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(90))
            .build();
        let client = client.context("while preparing the HTTP client")?;
        Ok(Self { client, base: server.trim_end_matches('/').to_owned(), key: key.to_owned() })
    }

    /// One request; the JSON answer, or the problem that the service names.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        self.answered(self.send(method, path, body).await?).await?.into_value()
    }

    /// Sends a file with text fields; the JSON answer, or the problem that the service names.
    pub(super) async fn upload(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file: Vec<u8>,
    ) -> anyhow::Result<Value> {
        self.try_upload(path, fields, file).await?.into_value()
    }

    /// The same, for those who act on a problem.
    pub(super) async fn try_upload(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file: Vec<u8>,
    ) -> anyhow::Result<Answered> {
        let mut form = Form::new().part("file", Part::bytes(file).file_name("sound"));
        for (name, value) in fields {
            form = form.text((*name).to_owned(), (*value).to_owned());
        }
        let request = self.client.post(format!("{}{path}", self.base)).bearer_auth(&self.key);
        let response = request.multipart(form).send().await;
        self.answered(response.with_context(|| format!("while asking {}", self.base))?).await
    }

    async fn answered(&self, response: Response) -> anyhow::Result<Answered> {
        let status = response.status();
        let text = response
            .text()
            .await
            .with_context(|| format!("while reading the answer of {}", self.base))?;
        if status.as_u16() == 204 {
            return Ok(Answered { status, body: Value::Null });
        }
        let body = serde_json::from_str(&text).with_context(|| {
            format!(
                "{} answered {status} with something else than JSON; is it Ringproof?",
                self.base
            )
        })?;
        Ok(Answered { status, body })
    }

    /// A stream of server-sent events.
    pub(super) async fn events(&self, path: &str) -> anyhow::Result<Response> {
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.key);
        let response = request.header("accept", "text/event-stream").send().await;
        let response = response.with_context(|| format!("while asking {}", self.base))?;
        Ok(response.error_for_status()?)
    }

    /// The stream of server-sent events after a place; it may last as long as it likes.
    pub(super) async fn events_after(&self, path: &str, cursor: &str) -> anyhow::Result<Response> {
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.key);
        let request = request.timeout(FOREVER).header("last-event-id", cursor);
        let response = request.header("accept", "text/event-stream").send().await;
        let response = response.with_context(|| format!("while asking {}", self.base))?;
        Ok(response.error_for_status()?)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Response> {
        let mut request =
            self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.with_context(|| format!("while asking {}", self.base))
    }
}

/// A path with the parameters that are given.
pub(super) fn query(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let given = parameters.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    let given: Vec<String> =
        given.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    format!("{path}?{}", given.join("&"))
}

/// The items of a list.
pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text, or a dash.
pub(super) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

/// A text as it stands in a path or a query.
pub(super) fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

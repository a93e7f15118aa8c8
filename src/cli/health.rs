//! `ringproof health`: whether a running service is ready, for containers without curl.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use crate::app;

/// Arguments of `health`.
#[derive(Args)]
pub(super) struct Health {
    /// The service's address
    #[arg(
        long,
        value_name = "URL",
        env = "RINGPROOF_SERVER",
        default_value = "http://127.0.0.1:8080"
    )]
    server: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Health {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        app::install_tls();
        // The listener's certificate is made out to its public name, not to this address.
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(3))
            .tls_danger_accept_invalid_certs(true)
            .build()
            .context("while preparing the HTTP client")?;
        let url = format!("{}/readyz", self.server.trim_end_matches('/'));
        let response = client.get(&url).send().await;
        let response = response.with_context(|| format!("while asking {}", self.server))?;
        let (status, text) = (response.status(), response.text().await.unwrap_or_default());
        if self.json {
            let said = serde_json::json!({ "ready": status.is_success(), "said": text.trim() });
            println!("{said:#}");
        } else {
            println!("{}", text.trim());
        }
        if !status.is_success() {
            bail!("{} is not ready: {status}", self.server);
        }
        Ok(ExitCode::SUCCESS)
    }
}

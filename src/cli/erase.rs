//! `ringproof erase`: erase what is stored of one number, through a running service.

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde_json::json;

use super::client::{Api, Server};

/// Whose data, and where.
#[derive(Args)]
pub(super) struct Erase {
    /// The number, E.164, or the e-mail address
    to: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

impl Erase {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let api = Api::new(&self.server.server, &self.server.key)?;
        let body = json!({ "to": self.to });
        let answer = api.call(Method::POST, "/v1/erasures", Some(&body)).await?;
        if self.json {
            println!("{answer:#}");
        } else {
            println!(
                "erased {} verifications and {} other notifications",
                answer["verifications"], answer["notifications"]
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

//! `ringproof doctor`: what is wrong with this deployment, and what to do about it.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::app;
use crate::app::doctor::{self, Finding, Mark, Treatment};

use super::{ConfigArguments, SOMETHING_WRONG, WRONG_USAGE, print_problems};

/// Arguments of `doctor`.
#[derive(Args)]
pub(super) struct Doctor {
    /// Set the notification URL, turn on notifications and upload missing sounds that are shipped
    /// or in the store, where that is needed, after saying so
    #[arg(long)]
    fix: bool,
    /// With --fix: replace a notification URL that is not ours; prints the old one
    #[arg(long, requires = "fix")]
    replace_url: bool,
    /// Money below which a balance is low, in the account's currency
    #[arg(long, value_name = "AMOUNT", default_value_t = 1.0)]
    floor: f64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

impl Doctor {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = match self.config.load() {
            Ok(config) => config,
            Err(problems) => return Ok(print_problems(&problems)),
        };
        if let Err(problem) = config.require_account() {
            eprintln!("error: {problem}");
            return Ok(ExitCode::from(WRONG_USAGE));
        }
        let Self { fix, replace_url, floor, .. } = self;
        let treatment = Treatment { fix, replace_url, floor };
        let mut say = |change: &str| eprintln!("{change}");
        let clock = app::real_clock();
        let findings = doctor::examine(&config, treatment, &clock, &mut say).await?;
        if self.json {
            let shown: Vec<_> = findings.iter().map(shown).collect();
            println!("{:#}", json!({ "findings": shown }));
        } else {
            findings.iter().for_each(print);
        }
        let wrong = findings.iter().any(|finding| finding.mark == Mark::Wrong);
        Ok(if wrong { ExitCode::from(SOMETHING_WRONG) } else { ExitCode::SUCCESS })
    }
}

fn shown(finding: &Finding) -> serde_json::Value {
    json!({
        "about": finding.about,
        "account": finding.account,
        "mark": finding.mark.as_str(),
        "found": finding.found,
        "advice": finding.advice,
    })
}

fn print(finding: &Finding) {
    let account = finding.account.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    let about = finding.about.replace('_', " ");
    println!("{:<8}{account}{about}: {}", finding.mark.as_str(), finding.found);
    if let Some(advice) = &finding.advice {
        println!("{:<8}{advice}", "");
    }
}

//! `ringproof config check` and `ringproof config example`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::config;

use super::{ConfigArguments, WRONG_USAGE, print_problems};

/// What can be done with the configuration.
#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Tell everything that is wrong with the configuration, with line numbers
    Check(Check),
    /// Print the documented example, which holds the defaults
    Example,
}

/// Arguments of `config check`.
#[derive(Args)]
pub(super) struct Check {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

impl ConfigCommand {
    pub(super) fn run(self) -> ExitCode {
        let arguments = match self {
            Self::Example => {
                print!("{}", config::EXAMPLE);
                return ExitCode::SUCCESS;
            }
            Self::Check(arguments) => arguments,
        };
        let loaded = arguments.config.load();
        if arguments.json {
            let problems = loaded.as_ref().err().into_iter().flatten();
            let problems: Vec<String> = problems.map(ToString::to_string).collect();
            println!("{:#}", json!({ "good": loaded.is_ok(), "problems": problems }));
            return if loaded.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(WRONG_USAGE) };
        }
        match loaded {
            Err(problems) => print_problems(&problems),
            Ok(config) => {
                println!("the configuration is good: {}", summary(&config));
                if let Err(problem) = config.require_account() {
                    println!("but `ringproof serve` will not start yet: {problem}");
                }
                ExitCode::SUCCESS
            }
        }
    }
}

fn summary(config: &config::Config) -> String {
    let list = |names: Vec<&String>| match names.as_slice() {
        [] => "none".to_owned(),
        names => names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "),
    };
    format!(
        "listens on {}; accounts: {}; prompts: {}; apps with settings: {}",
        config.server.listen,
        list(config.accounts.keys().collect()),
        list(config.prompts.keys().collect()),
        list(config.apps.keys().collect()),
    )
}

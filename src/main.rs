//! The binary: reads the arguments and runs the command. The map is in the library.

use std::process::ExitCode;

use clap::Parser;
use ringproof::cli::{self, Arguments};

#[tokio::main]
async fn main() -> ExitCode {
    cli::run(Arguments::parse()).await
}

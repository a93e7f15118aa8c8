//! `ringproof completion` and `ringproof man`: what clap's own crates make of the arguments.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Arguments;

/// Arguments of `completion`.
#[derive(Args)]
pub(super) struct Completion {
    /// The shell: bash, zsh or fish
    shell: Shell,
}

impl Completion {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "ringproof", &mut text);
        print(&text)
    }
}

/// The man page: the command, then each of its subcommands with its arguments.
pub(super) fn man() -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    let mut command = Arguments::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    for one in command.get_subcommands().filter(|one| one.get_name() != "help") {
        writeln!(text, ".SH \"RINGPROOF {}\"", one.get_name().to_uppercase())?;
        let page = clap_mangen::Man::new(one.clone());
        page.render_synopsis_section(&mut text)?;
        page.render_description_section(&mut text)?;
        page.render_options_section(&mut text)?;
    }
    print(&text)
}

fn print(text: &[u8]) -> anyhow::Result<ExitCode> {
    std::io::stdout().write_all(text)?;
    Ok(ExitCode::SUCCESS)
}

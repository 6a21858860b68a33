//! `tillside config`.

use super::{CliError, Sources};
use std::process::ExitCode;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Say whether the configuration can be used
    Check,
    /// Print the configuration as it would be used, secrets as ***
    Print {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(sources: &Sources, command: &Command) -> Result<ExitCode, CliError> {
    let config = sources.load()?;
    match command {
        Command::Check => {
            println!("the configuration can be used");
            if config.tenants.is_empty() {
                println!("note: there are no [[tenants]], so nobody can come in yet: see `tillside keys generate`");
            }
        }
        Command::Print { json: false } => print!("{}", config.print()),
        Command::Print { json: true } => {
            let text = serde_json::to_string_pretty(&config).map_err(|error| CliError::Other(error.to_string()))?;
            println!("{text}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

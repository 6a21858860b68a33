//! The command line.

mod config;
mod doctor;
mod keys;
mod serve;
mod token;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use tillside::config::{Config, ConfigError, Layers};
use tillside::node::NodeError;

/// Exit code for a configuration that cannot be used.
const EXIT_CONFIG: u8 = 2;
/// Exit code for a port that cannot be opened.
const EXIT_PORT: u8 = 3;

/// Tillside: a media server, page sharing and signaling for stores that help their customers themselves.
#[derive(Parser)]
#[command(name = "tillside", version, about, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    sources: Sources,
}

/// Where the configuration comes from.
#[derive(Args, Clone)]
pub(crate) struct Sources {
    /// Development mode: pages on loopback, demo shop and console, a key that everybody knows
    #[arg(long, global = true)]
    dev: bool,
    /// The configuration file; TILLSIDE_CONFIG names it, too
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sets one key, such as `--set media.workers=2`; may be given several times
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run a node (what happens without a command)
    Serve,
    /// API keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Tokens
    #[command(subcommand)]
    Token(token::Command),
    /// The configuration as it would be used
    #[command(subcommand)]
    Config(config::Command),
    /// Look at this machine: ports, kernel buffers, clock, addresses
    Doctor(doctor::Options),
}

/// What ends a command early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error("{0}")]
    Other(String),
}

/// Runs the command line and says how it ended.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&cli.sources),
        Command::Keys(command) => keys::run(&command),
        Command::Token(command) => token::run(&cli.sources, command),
        Command::Config(command) => config::run(&cli.sources, &command),
        Command::Doctor(options) => doctor::run(&cli.sources, &options),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tillside: {error}");
            ExitCode::from(exit_code(&error))
        }
    }
}

impl Sources {
    fn layers(&self) -> Layers {
        Layers {
            dev: self.dev,
            file: self.config.clone().or_else(|| std::env::var_os("TILLSIDE_CONFIG").map(PathBuf::from)),
            environment: std::env::vars().collect(),
            sets: self.set.clone(),
        }
    }

    fn load(&self) -> Result<Config, CliError> {
        Ok(self.layers().load()?)
    }
}

fn exit_code(error: &CliError) -> u8 {
    match error {
        CliError::Config(_) | CliError::Node(NodeError::Config(_) | NodeError::Tls(_)) => EXIT_CONFIG,
        CliError::Node(NodeError::Listen { .. } | NodeError::Media(_)) => EXIT_PORT,
        CliError::Other(_) | CliError::Node(NodeError::Relay(_)) => 1,
    }
}

//! `tillside-bench`: measures Tillside, and prints how it measured.
//!
//! One command per thing measured. Each prints a table for people and, with `--json FILE`, one object for programs.

mod mask;
mod origin;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Measures Tillside's cores.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs labelled recordings of pages through the relay core: which payment fields it masks, and what leaks.
    Mask(mask::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Mask(arguments) => mask::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("tillside-bench: {message}");
            ExitCode::FAILURE
        }
    }
}

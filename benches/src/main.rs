//! `tillside-bench`: measures Tillside, and prints how it measured.
//!
//! One command per thing measured. Each prints a table for people and, with `--json FILE`, one object for programs.

mod arena;
mod compare;
mod load;
mod mask;
mod origin;
mod outcome;
mod peers;
mod report;
mod server;
mod swarm;
mod workload;

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
    /// Runs a swarm of participants against a node: throughput per CPU, delay, joins, memory
    Load(Box<load::Arguments>),
    /// Runs the same swarm against our node and other servers in turns: ratios of throughput per CPU and delay
    Compare(Box<compare::Arguments>),
    /// Runs labelled recordings of pages through the relay core: which payment fields it masks, and what leaks.
    Mask(mask::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Load(arguments) => load::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
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

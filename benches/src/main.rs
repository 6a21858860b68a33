//! `tillside-bench`: measures Tillside, and prints how it measured.
//!
//! One command per thing measured. Each prints a table for people and, with `--json FILE`, one object for programs.

mod arena;
mod compare;
mod corpus;
mod cpu;
mod diff;
mod driver;
mod forward;
mod kernel;
mod limit;
mod load;
mod mask;
mod origin;
mod outcome;
mod peers;
mod profile;
mod relay;
mod report;
mod samples;
mod server;
mod swarm;
mod workload;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tillside_tests::allocation::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

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
    /// What the co-browse core costs: events, snapshots, memory, bytes per minute, delay under load.
    Relay(relay::Arguments),
    /// Measures the floor: the least that forwarding a packet takes on this machine.
    Limit(limit::Arguments),
    /// Measures the real media core in process, by turns with the floor.
    Forward(forward::Arguments),
    /// Compares two reports of one command, row by row.
    Diff(diff::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    origin::note_machine();
    let outcome = match arguments.command {
        Command::Load(arguments) => load::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Mask(arguments) => mask::run(&arguments),
        Command::Relay(arguments) => relay::run(&arguments),
        Command::Limit(arguments) => limit::run(&arguments),
        Command::Forward(arguments) => forward::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("tillside-bench: {message}");
            ExitCode::FAILURE
        }
    }
}

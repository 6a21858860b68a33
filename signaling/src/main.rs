//! The `tillside` binary: reads the command line and hands over.
#![allow(clippy::disallowed_methods)] // this is a shell: it reads the environment once and hands it on

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}

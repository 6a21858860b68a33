//! `tillside keys`.

use super::CliError;
use std::process::ExitCode;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make an API key; prints what goes into the configuration
    Generate {
        /// The tenant that the key is for
        #[arg(long, default_value = "shop")]
        tenant: String,
        /// Where the tenant's pages come from
        #[arg(long, default_value = "https://shop.example")]
        origin: String,
        /// Print JSON instead of TOML
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: &Command) -> Result<ExitCode, CliError> {
    let Command::Generate { tenant, origin, json } = command;
    let (id, secret) = tillside::token::fresh_key();
    if *json {
        println!("{}", serde_json::json!({ "tenant": tenant, "id": id, "secret": secret }));
    } else {
        println!("# Keep the secret out of version control: whoever has it can be anybody in this tenant.");
        println!("[[tenants]]\nid = {tenant:?}\norigins = [{origin:?}]\n");
        println!("[[tenants.keys]]\nid = {id:?}\nsecret = {secret:?}");
    }
    Ok(ExitCode::SUCCESS)
}

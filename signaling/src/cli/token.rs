//! `tillside token`.

use super::{CliError, Sources};
use std::io::Read;
use std::process::ExitCode;
use tillside::moment::Moment;
use tillside::protocol::{Grants, Role, Source};
use tillside::token::{Claims, fresh_jti};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make a token, signed by a key of the configuration
    Create(Box<Create>),
    /// Show what a token says and whether this configuration accepts it; reads it from standard input
    Inspect,
}

#[derive(clap::Args)]
pub(super) struct Create {
    /// The key to sign with; the first one that can, if not given
    #[arg(long)]
    key: Option<String>,
    /// The one room it is good for; any room of the tenant, if not given
    #[arg(long)]
    room: Option<String>,
    /// Whom it is about, in the tenant's own words
    #[arg(long, alias = "sub")]
    identity: String,
    /// The name others see; the identity, if not given
    #[arg(long)]
    name: Option<String>,
    /// shopper, agent, supervisor or observer
    #[arg(long, value_parser = role)]
    role: Role,
    /// How long it is good for, in seconds
    #[arg(long, default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    ttl: u64,
    /// Allow to mute and remove others, and to lock and end rooms
    #[arg(long)]
    moderate: bool,
}

pub(super) fn run(sources: &Sources, command: Command) -> Result<ExitCode, CliError> {
    match command {
        Command::Create(create) => make(sources, *create),
        Command::Inspect => inspect(sources),
    }
}

fn make(sources: &Sources, create: Create) -> Result<ExitCode, CliError> {
    let config = sources.load()?;
    let keys = config.tenants.iter().flat_map(|tenant| tenant.keys.iter().map(move |key| (tenant, key)));
    let (tenant, key) = keys
        .filter(|(_, key)| key.public_key_file.is_none())
        .find(|(_, key)| create.key.as_ref().is_none_or(|wanted| *wanted == key.id))
        .ok_or_else(|| {
            CliError::Other("no such key that can sign: add one with `tillside keys generate`".to_owned())
        })?;
    let publish = match create.role {
        Role::Observer => Vec::new(),
        Role::Shopper | Role::Agent | Role::Supervisor => vec![Source::Microphone, Source::Camera, Source::Screen],
    };
    let now = Moment::now().unix;
    let claims = Claims {
        iss: key.id.clone(),
        nbf: now,
        exp: now + create.ttl,
        jti: fresh_jti(),
        tenant: tenant.id.clone(),
        name: create.name.unwrap_or_else(|| create.identity.clone()),
        sub: create.identity,
        role: create.role,
        grants: Grants { room: create.room, publish, subscribe: true, cobrowse: None, moderate: create.moderate },
    };
    claims.check(now).map_err(|error| CliError::Other(format!("such a token would not be accepted: {error}")))?;
    let token = config.keyring()?.mint(&claims).ok_or_else(|| CliError::Other("the key cannot sign".to_owned()))?;
    println!("{token}");
    Ok(ExitCode::SUCCESS)
}

fn inspect(sources: &Sources) -> Result<ExitCode, CliError> {
    // Not as an argument: those stand in the process list and in the shell's history.
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| CliError::Other(error.to_string()))?;
    match sources.load()?.keyring()?.verify(text.trim(), Moment::now().unix) {
        Ok(claims) => {
            let shown = serde_json::to_string_pretty(&claims).map_err(|error| CliError::Other(error.to_string()))?;
            println!("{shown}");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(CliError::Other(error.to_string())),
    }
}

fn role(text: &str) -> Result<Role, String> {
    serde_json::from_value(text.into()).map_err(|_| "expected shopper, agent, supervisor or observer".to_owned())
}
